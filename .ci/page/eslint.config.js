// SPDX-License-Identifier: Apache-2.0

import js from "@eslint/js";
import globals from "globals";

// The files of the page become one script, in which a name has one meaning: an export
// stands before its declaration, and an import names it.
const joined = [
	"ImportDefaultSpecifier",
	"ImportNamespaceSpecifier",
	"ExportDefaultDeclaration",
	"ExportAllDeclaration",
	"ExportNamedDeclaration[declaration=null]",
	"ImportExpression",
];

// What the network sends is text, and never becomes markup.
const markup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write", "setHTMLUnsafe", "srcdoc"];

export default [
	js.configs.recommended,
	{
		languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
		linterOptions: { reportUnusedDisableDirectives: "error" },
		rules: {
			curly: ["error", "multi-line"],
			eqeqeq: "error",
			"func-style": ["error", "declaration", { allowArrowFunctions: true }],
			"max-lines": ["error", 400],
			"max-lines-per-function": ["error", 60],
			"no-eval": "error",
			"no-implicit-globals": "error",
			"no-implied-eval": "error",
			"no-new-func": "error",
			"no-restricted-properties": ["error", ...markup.map((property) => ({ property, message: "What the network sends is set as text." }))],
			"no-restricted-syntax": ["error", ...joined.map((selector) => ({ selector, message: "The files become one script: see join.go." }))],
			"no-shadow": "error",
			"no-use-before-define": ["error", { functions: false }],
			"no-var": "error",
			"object-shorthand": "error",
			"prefer-const": "error",
			"prefer-template": "error",
		},
	},
];

// SPDX-License-Identifier: Apache-2.0

import "./build/build.js";
import { leftOut, refilter, showCounts, take } from "./events.js";
import { onFilter } from "./filters.js";
import { pressNames, showNames } from "./names.js";
import { pressProblems, showProblems } from "./problems.js";
import { showLost, showStatus } from "./status.js";
import { connect } from "./stream.js";

showCounts();
onFilter(refilter);
onFilter(pressProblems);
onFilter(pressNames);
onFilter(() => connect());
connect({
	record: take,
	missed: ({ missed }) => leftOut(missed),
	status: showStatus,
	summary: ({ problems, events }) => {
		showProblems(problems);
		showNames(events);
	},
	lost: showLost,
});

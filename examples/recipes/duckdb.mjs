// SPDX-License-Identifier: Apache-2.0

// Prints what DuckDB answers to a query, as JSON: node duckdb.mjs <query>
import { DuckDBInstance } from "@duckdb/node-api";

const connection = await (await DuckDBInstance.create(":memory:")).connect();
const reader = await connection.runAndReadAll(process.argv[2]);
console.log(JSON.stringify(reader.getRowObjectsJson()));

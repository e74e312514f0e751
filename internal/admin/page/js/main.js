// SPDX-License-Identifier: Apache-2.0

import "./build/build.js";
import { connect, showCounts } from "./events.js";
import { poll } from "./status.js";

showCounts();
connect();
poll();

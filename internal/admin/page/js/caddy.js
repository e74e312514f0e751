// SPDX-License-Identifier: Apache-2.0

export const RETRY_MS = 2000;
export const PATIENCE_MS = 5000;

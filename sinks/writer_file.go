// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// keepAll is more than any number of files and days. Zero would be Caddy's default, which
// deletes: it is for logs.
const keepAll = -1

// limitsOf has a file keep all that is rolled, unless the configuration says otherwise,
// and returns how it does.
func limitsOf(file *logging.FileWriter) (limits []string) {
	if file.RollKeep == 0 {
		file.RollKeep = keepAll
	} else {
		limits = append(limits, fmt.Sprintf("roll_keep %d", file.RollKeep))
	}
	if file.RollKeepDays == 0 {
		file.RollKeepDays = keepAll
	} else {
		limits = append(limits, fmt.Sprintf("roll_keep_for %dd", file.RollKeepDays))
	}
	if file.Roll != nil && !*file.Roll {
		return nil
	}
	return limits
}

const (
	deletes      = "the file that events are written to has a limit that deletes events"
	deleteRemedy = "take it out of the sink's file, or see that files are copied elsewhere before they are deleted"
)

// warnOfLimits says at load what would be noticed months later.
func (w *Writer) warnOfLimits(logger *zap.Logger) {
	if len(w.limits) > 0 {
		logger.Warn(deletes+": "+deleteRemedy, zap.Strings("limits", w.limits))
	}
}

// Examine implements Examiner.
func (w *Writer) Examine(context.Context, Site) []report.Check {
	if _, isFile := w.opener.(*logging.FileWriter); !isFile {
		return []report.Check{{Name: "sink", Mark: report.OK, Found: "nothing to check"}}
	}
	if len(w.limits) == 0 {
		return []report.Check{{Name: "writer", Mark: report.OK, Found: "nothing that is written is deleted by Caddy"}}
	}
	return []report.Check{{Name: "writer", Mark: report.Warning, Found: deletes + ": " + strings.Join(w.limits, ", "), Remedy: deleteRemedy}}
}

// Interface guards
var _ Examiner = (*Writer)(nil)

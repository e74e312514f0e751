// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/accesslog"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

const (
	formData   = "data"
	formFields = "fields"
)

// NewURL makes the verb url.
func NewURL() *cobra.Command {
	cmd := &cobra.Command{
		Use: "url --base <url> --write-key <key> [--type <type>] [--user-id <id>] [--anonymous-id <id>] [--event <name>] " +
			"[--property <name=value>...] [--json <file>] [--form data|fields] [--engine <name>] [--strict] [--seal <file> [--kid <id>]] [--html | --url]",
		Short: "Makes the URL and the HTML of a pixel",
		Long: `
Prints the URL of a pixel and the image tag for a mail or a page, and says what
would be wrong with it.

The event is put together from the flags, on top of the object in the file of --json
if that is given (- is standard input). Names may have dots, which make objects:

    $ caddy segment-pixel url --base https://example.com --write-key KEY \
        --user-id u1 --event 'Email Opened' --property campaign.name=Spring

There are two forms. That of data holds the whole event as base64, with the types of
--json. That of fields has a parameter for each value, all of them text; it is the
one for merge tags, which mail tools replace for each recipient and cannot find in
base64. In the form of fields they stay as they are. These are known:

    {{user.id}}  {%...%}  *|UNIQID|*  %%subscriberkey%%  [[data:id]]  ${id}
    <%= id %>  #{id}

A value that a template fills in as it is makes another one of the pixel: + becomes a
space, and & cuts it. With --engine, each tag gets the filter for URLs of that template
engine; a tag without one is warned of.

    $ caddy segment-pixel url --base https://example.com --write-key KEY \
        --user-id '{{user.id}}' --event 'Email Opened' --form fields

With --seal, data is a token that is made with a key of that file, the first or the
one of --kid. A key that has a source needs no --write-key.

Mail clients and proxies cut long URLs, from about 2,000 characters on. Caddy refuses
a request whose header section is over 16 KiB, unless max_header_size is raised.

The pixel is decoded before it is printed, with any write key taken for a known one.
Exit status: 0 if it would be accepted; 4 if it would be rejected, with the reason on
standard error, or with --strict if there is anything to warn of; 1 if the command
could not be run.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringP("base", "b", "", "The address of the site, such as https://example.com (required)")
	flags.String("path-prefix", handlers.DefaultPathPrefix, "The path under which the handler takes pixels")
	flags.StringP("type", "t", "track", "The event type: identify, group, alias, page, screen or track")
	flags.String("form", formData, "How the event is written: data or fields")
	flags.String("json", "", "A file with the event, or a part of it, as a JSON object; - for standard input")
	for _, field := range composedFields {
		flags.String(field.flag, "", field.usage)
	}
	for _, object := range composedObjects {
		flags.StringArray(object.flag, nil, object.usage)
	}
	flags.String("seal", "", "A file with keys of caddy segment-pixel key, to seal the event with")
	flags.String("kid", "", "The id of the key to seal with; by default the first is taken")
	flags.String("engine", "", "The template engine that fills in the merge tags: "+strings.Join(mergetag.Engines(), ", "))
	flags.Bool("strict", false, "End with status 4 if there is anything to warn of")
	flags.Bool("html", false, "Print the image tag only")
	flags.Bool("url", false, "Print the URL only")
	cmd.MarkFlagsMutuallyExclusive("html", "url")
	cmd.RunE = cli.Run(runURL)
	return cmd
}

func runURL(cmd *cobra.Command, _ []string) (int, error) {
	typ, err := cli.EventType(cmd)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	flags := cmd.Flags()
	base, _ := flags.GetString("base")
	if base == "" {
		return caddy.ExitCodeFailedStartup, errors.New("--base is missing: name the address of the site, such as https://example.com")
	}
	prefix, _ := flags.GetString("path-prefix")
	h, err := handlers.Offline(handlers.Pixels{PathPrefixes: []string{prefix}})
	if err != nil {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("--path-prefix: %w", err)
	}
	object, err := composedObject(cmd)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	form, _ := flags.GetString("form")
	engine, _ := flags.GetString("engine")
	composed, err := compose(form, object, h, engine)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	if err := sealPixel(cmd, h, form, object, composed); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	address, err := composed.URL(base, prefix, typ)
	if err != nil {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("--base: %w", err)
	}
	if err := printPixel(cmd, address); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	code, err := checkPixel(cmd.ErrOrStderr(), h, typ, address, composed)
	strict, _ := flags.GetBool("strict")
	if err == nil && code == caddy.ExitCodeSuccess && strict && (len(composed.Notes) > 0 || len(address) > link.MaxSafeURL) {
		code = cli.ExitRejected
	}
	return code, err
}

// sealPixel makes a token of the object if there is a file of keys, and has the handler
// open it.
func sealPixel(cmd *cobra.Command, h handlers.Handler, form string, object []byte, composed *link.Composition) error {
	file, _ := cmd.Flags().GetString("seal")
	if file == "" {
		return nil
	}
	if form != formData {
		return errors.New("--seal goes with --form data alone")
	}
	set, err := seal.ReadSet(file)
	if err != nil {
		return err
	}
	kid, _ := cmd.Flags().GetString("kid")
	token, err := set.Seal(object, kid)
	if err != nil {
		return err
	}
	composed.Query = "data=" + token
	h.Decoder().Unseal = func(token string) ([]byte, string, bool) { return set.Open(token, time.Now()) }
	return nil
}

func compose(form string, object []byte, h handlers.Handler, engine string) (*link.Composition, error) {
	switch form {
	case formData:
		if engine != "" {
			return nil, errors.New("--engine goes with --form fields alone: nobody can fill in what base64 hides")
		}
		return link.Data(object)
	case formFields:
		composed, err := link.Fields(object, h.Decoder().Ignored)
		if err != nil {
			return nil, err
		}
		return composed, encodeTags(composed, engine)
	}
	return nil, fmt.Errorf("--form is %q: write data or fields", form)
}

// encodeTags gives merge tags the filter of a template engine, or notes those that have none.
func encodeTags(composed *link.Composition, engine string) error {
	if engine != "" {
		query, needs, err := mergetag.Encode(composed.Query, engine)
		if err != nil {
			return fmt.Errorf("--engine: %w", err)
		}
		composed.Query = query
		if needs != "" {
			composed.Notes = append(composed.Notes, engine+" needs "+needs)
		}
		return nil
	}
	for _, tag := range mergetag.All(composed.Query) {
		if !mergetag.IsEncoded(tag) {
			composed.Notes = append(composed.Notes, "the merge tag "+tag+" has no filter for URLs: a value with + or & in it becomes that of another person; write --engine, or the filter")
		}
	}
	return nil
}

func printPixel(cmd *cobra.Command, address string) error {
	htmlOnly, _ := cmd.Flags().GetBool("html")
	urlOnly, _ := cmd.Flags().GetBool("url")
	var b strings.Builder
	if !htmlOnly {
		b.WriteString(address + "\n")
	}
	if !urlOnly {
		b.WriteString(link.ImageTag(address) + "\n")
	}
	_, err := io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}

// checkPixel says what is wrong with a pixel, as far as that can be known before it
// is sent. Merge tags are taken for filled in.
func checkPixel(messages io.Writer, h handlers.Handler, typ pixel.Type, address string, composed *link.Composition) (int, error) {
	var b strings.Builder
	for _, note := range composed.Notes {
		b.WriteString(terminal.Wrapped("warning: "+terminal.Printable(note), ""))
	}
	switch n := len(address); {
	case n > link.MaxRequestLine:
		b.WriteString(terminal.Wrapped(fmt.Sprintf("warning: the URL has %d characters: Caddy refuses a header section over 16 KiB "+
			"unless max_header_size is raised, and mail clients cut URLs from about %d characters on. Send less.", n, link.MaxSafeURL), ""))
	case n > link.MaxSafeURL:
		b.WriteString(terminal.Wrapped(fmt.Sprintf("warning: the URL has %d characters: mail clients and proxies cut URLs "+
			"from about %d characters on. Send less.", n, link.MaxSafeURL), ""))
	}
	target, err := link.Parse(mergetag.Fill(address, "x"))
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	logged := accesslog.Request{Request: accesslog.NewRequest(target)}
	site := []handlers.Handler{h}
	x := handlers.Judge(site, logged, typ).Explain(site, logged)
	if x.Rejected() {
		last := x.Steps[len(x.Steps)-1]
		b.WriteString(terminal.Wrapped("rejected: "+x.Reason+": "+terminal.Printable(last.Detail), "") + terminal.Wrapped(x.Hint, ""))
	}
	if _, err := io.WriteString(messages, b.String()); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	if x.Rejected() {
		return cli.ExitRejected, nil
	}
	return caddy.ExitCodeSuccess, nil
}

// readJSON reads the file of --json.
func readJSON(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), handlers.MaxMaxEventSize))
	}
	return os.ReadFile(name)
}

// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

const (
	formData   = "data"
	formFields = "fields"
)

const urlHelp = `
Prints the URL of a pixel and the image tag for a mail or a page, and says what
would be wrong with it.

The event is put together from the flags, on top of the object in the file of --from
if that is given (- is standard input). Names may have dots, which make objects:

    $ caddy segment-pixel url --base https://example.com --write-key KEY \
        --user-id u1 --event 'Email Opened' --property campaign.name=Spring

There are two forms. That of data holds the whole event as base64, with the types of
--from. That of fields has a parameter for each value, all of them text; it is the
one for merge tags, which mail tools replace for each recipient and cannot find in
base64. In the form of fields they stay as they are. These are known:

    {{user.id}}  {%...%}  *|UNIQID|*  %%subscriberkey%%  [[data:id]]  ${id}
    <%= id %>  #{id}

A value that a template fills in as it is makes another one of the pixel: + becomes a
space, and & cuts it. With --engine, each tag gets the filter for URLs of that template
engine; a tag without one is warned of.

    $ caddy segment-pixel url --base https://example.com --write-key KEY \
        --user-id '{{user.id}}' --event 'Email Opened' --form fields

With --config, the site, the path prefix and the write key are those of a configuration,
as far as they are not given; of several, --base and --source choose:

    $ caddy segment-pixel url --config /etc/caddy/Caddyfile --source newsletter \
        --user-id u1 --event 'Email Opened'

With --seal, data is a token that is made with a key of that file, the first or the
one of --kid. A key that has a source needs no --write-key.

Mail clients and proxies cut long URLs, from about 2,000 characters on. Caddy refuses
a request whose header section is over 16 KiB, unless max_header_size is raised.

The pixel is decoded before it is printed, with any write key taken for a known one.
Exit status: 0 if it would be accepted; 4 if it would be rejected, with the reason on
standard error, or with --strict if there is anything to warn of; 1 if the command
could not be run.`

// NewURL makes the verb url.
func NewURL() *cobra.Command {
	cmd := &cobra.Command{
		Use: "url --base <url> --write-key <key> | --config <path> [--adapter <name>] [--source <name>] [--type <type>] [--user-id <id>] [--anonymous-id <id>] [--event <name>] " +
			"[--property <name=value>...] [--from <file>] [--form data|fields] [--engine <name>] [--strict] [--seal <file> [--kid <id>]] [--html | --url | --json]",
		Short: "Makes the URL and the HTML of a pixel",
		Long:  urlHelp,
		Args:  cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringP("base", "b", "", "The address of the site, such as https://example.com")
	flags.StringP("config", "c", "", "A configuration file, for what is not given: site, prefix and write key")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply")
	flags.String("source", "", "The source whose write key is taken from the configuration")
	flags.String("path-prefix", handlers.DefaultPathPrefix, "The path under which the handler takes pixels")
	flags.StringP("type", "t", "track", "The event type: identify, group, alias, page, screen or track")
	flags.String("form", formData, "How the event is written: data or fields")
	flags.String("from", "", "A file with the event, or a part of it, as a JSON object; - for standard input")
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
	flags.Bool("json", false, "Print the URL, the HTML and what there is to say of them as JSON")
	cmd.MarkFlagsMutuallyExclusive("html", "url", "json")
	cmd.RunE = cli.Run(runURL)
	return cmd
}

func runURL(cmd *cobra.Command, _ []string) error {
	typ, err := cli.EventType(cmd)
	if err != nil {
		return err
	}
	flags := cmd.Flags()
	place, err := placeOf(cmd)
	if err != nil {
		return err
	}
	h := place.handler
	object, err := composedObject(cmd, place.writeKey)
	if err != nil {
		return err
	}
	form, _ := flags.GetString("form")
	engine, _ := flags.GetString("engine")
	composed, err := compose(form, object, h, engine)
	if err != nil {
		return err
	}
	if err := sealPixel(cmd, h, form, object, composed); err != nil {
		return err
	}
	address, err := composed.URL(place.base, place.prefix, typ)
	if err != nil {
		return fmt.Errorf("--base: %w", err)
	}
	made, err := checkPixel(h, typ, address, composed)
	if err != nil {
		return err
	}
	if err := made.print(cmd); err != nil {
		return err
	}
	if strict, _ := flags.GetBool("strict"); made.Reason != "" || strict && len(made.Warnings) > 0 {
		return cli.Exit(cli.ExitRejected)
	}
	return nil
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

// readJSON reads the file of --from.
func readJSON(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), handlers.MaxMaxEventSize))
	}
	return os.ReadFile(name)
}

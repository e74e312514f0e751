// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("segment_pixel", parseCaddyfile)
	// It passes on whatever is not a pixel, so it goes in front of all that would
	// answer, rewrite or refuse a pixel on an existing site: a redirect, try_files
	// of a single-page application, basic_auth. What sets header fields or logs
	// comes before it.
	httpcaddyfile.RegisterDirectiveOrder("segment_pixel", httpcaddyfile.Before, "redir")
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	err := handler.UnmarshalCaddyfile(h.Dispenser)
	return handler, err
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	segment_pixel [<matcher>] {
//		write_key      <key> [<source>]
//		write_keys     <file>
//		path_prefix    <prefix...>
//		sink           <name> [<args...>] {
//			...
//		}
//		max_event_size <size>
//		ignore_params  [none] <name...>
//		client_ip      full|mask|off
//		ip_mask        <ipv4 bits> [<ipv6 bits>]
//		classify       on|off
//		fetcher        <kind> [<by>] {
//			user_agent <text...>
//			header     <field> <text>
//			network    <cidr...>
//		}
//		user_agent     full|off
//		seal           <file> [required] {
//			allow <field...>
//		}
//		suppress       <bucket> {
//			domain <name>
//			<connection options of the nats sink...>
//		}
//		tracking_api   refuse|pass
//		honor          gpc|dnt...
//	}
//
// The options write_key, write_keys, path_prefix, sink and fetcher may be repeated. At
// least one write_key or write_keys is required; a single key may leave its
// source out. See the sinks for what their blocks may hold. The names of
// ignore_params are added to the default ones, which a leading `none` removes.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	if d.NextArg() {
		return d.Errf("segment_pixel takes no argument but a matcher: unexpected '%s'", d.Val())
	}
	for d.NextBlock(0) {
		if err := h.unmarshalOption(d); err != nil {
			return err
		}
	}
	if err := keys.Validate(h.WriteKeys, h.WriteKeyFiles); err != nil {
		return d.WrapErr(err)
	}
	if err := h.IPMask.validate(h.clientIPOrDefault()); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) clientIPOrDefault() string {
	if h.ClientIP == "" {
		return clientIPMask
	}
	return h.ClientIP
}

func (h *Handler) unmarshalOption(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "write_key":
		return h.unmarshalWriteKey(d)
	case "write_keys":
		args, err := arguments(d, 1, 1, "write_keys <file>")
		h.WriteKeyFiles = append(h.WriteKeyFiles, args...)
		return err
	case "path_prefix":
		return h.unmarshalPathPrefix(d)
	case "sink":
		return h.unmarshalSink(d)
	case "max_event_size":
		return h.unmarshalMaxEventSize(d)
	case "ignore_params":
		return h.unmarshalIgnoreParams(d)
	case "client_ip":
		return h.unmarshalClientIP(d)
	case "ip_mask":
		return h.unmarshalIPMask(d)
	case "classify":
		return unmarshalOneOf(d, &h.Classify, classifyOn, classifyOff)
	case "fetcher":
		return h.unmarshalFetcher(d)
	case "user_agent":
		return unmarshalOneOf(d, &h.UserAgent, userAgentFull, userAgentOff)
	case "seal":
		return h.unmarshalSeal(d)
	case "tracking_api":
		return unmarshalOneOf(d, &h.TrackingAPI, trackingAPIRefuse, trackingAPIPass)
	case "suppress":
		return h.unmarshalSuppress(d)
	case "honor":
		return h.unmarshalHonor(d)
	default:
		last := len(handlerOptions) - 1
		return d.Errf("unrecognized subdirective '%s' of segment_pixel: write %s or %s", d.Val(), strings.Join(handlerOptions[:last], ", "), handlerOptions[last])
	}
}

// handlerOptions are the options of the directive, for errors.
var handlerOptions = []string{
	"write_key", "write_keys", "path_prefix", "sink", "max_event_size", "ignore_params", "client_ip", "ip_mask",
	"classify", "fetcher", "user_agent", "seal", "suppress", "tracking_api", "honor",
}

// arguments reads the arguments of an option and checks how many there are; most
// of less than zero means any number.
func arguments(d *caddyfile.Dispenser, least, most int, usage string) ([]string, error) {
	args := d.RemainingArgs()
	if len(args) < least || most >= 0 && len(args) > most {
		return nil, d.Errf("wrong number of arguments: write %s", usage)
	}
	if slices.Contains(args, "") {
		return nil, d.Errf("an argument is empty: write %s", usage)
	}
	last := d.Val()
	if d.NextBlock(d.Nesting()) || d.Val() != last { // the latter is the end of an empty block
		return nil, d.Errf("a block does not belong here: write %s", usage)
	}
	return args, nil
}

func (h *Handler) unmarshalWriteKey(d *caddyfile.Dispenser) error {
	args, err := arguments(d, 1, 2, "write_key <key> [<source>]")
	if err != nil {
		return err
	}
	key := keys.Key{Key: args[0]}
	if len(args) == 2 {
		key.Source = args[1]
		if err := keys.CheckSource(key.Source); err != nil {
			return d.WrapErr(err)
		}
	}
	for _, other := range h.WriteKeys {
		if other.Key == key.Key {
			return d.Err("this write_key is already specified")
		}
	}
	h.WriteKeys = append(h.WriteKeys, key)
	return nil
}

func (h *Handler) unmarshalPathPrefix(d *caddyfile.Dispenser) error {
	args, err := arguments(d, 1, -1, "path_prefix <prefix...>")
	if err != nil {
		return err
	}
	h.PathPrefixes = append(h.PathPrefixes, args...)
	if _, err := newPrefixes(h.PathPrefixes); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) unmarshalSink(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("sink needs a name: write sink nats, jetstream, writer or log")
	}
	name := d.Val()
	id := sinks.Namespace + "." + name
	if _, err := caddy.GetModule(id); err != nil {
		return d.Errf("there is no sink '%s': write nats, jetstream, writer or log, or build Caddy with the plugin that has it", name)
	}
	module, err := caddyfile.UnmarshalModule(d, id)
	if err != nil {
		return err
	}
	if _, ok := module.(sinks.Sink); !ok {
		return d.Errf("module %s (%T) is no segment_pixel sink", id, module)
	}
	h.SinksRaw = append(h.SinksRaw, caddyconfig.JSONModuleObject(module, "sink", name, nil))
	return nil
}

func (h *Handler) unmarshalMaxEventSize(d *caddyfile.Dispenser) error {
	if h.MaxEventSize != 0 {
		return d.Err("max_event_size already specified")
	}
	args, err := arguments(d, 1, 1, "max_event_size <size>")
	if err != nil {
		return err
	}
	size, err := humanize.ParseBytes(args[0])
	if err != nil || size > handlers.MaxMaxEventSize {
		return d.Errf("max_event_size is '%s': write a size from 1B to 64MiB, such as 32KiB", args[0])
	}
	h.MaxEventSize = int(size)
	if err := checkMaxEventSize(h.MaxEventSize); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) unmarshalIgnoreParams(d *caddyfile.Dispenser) error {
	if h.IgnoreParams != nil {
		return d.Err("ignore_params already specified")
	}
	args, err := arguments(d, 1, -1, "ignore_params [none] <name...>")
	if err != nil {
		return err
	}
	h.IgnoreParams = pixel.DefaultIgnored()
	if args[0] == "none" {
		h.IgnoreParams, args = []string{}, args[1:]
	}
	for _, name := range args {
		if err := checkIgnored(name); err != nil {
			return d.WrapErr(err)
		}
	}
	h.IgnoreParams = append(h.IgnoreParams, args...)
	return nil
}

func (h *Handler) unmarshalClientIP(d *caddyfile.Dispenser) error {
	if h.ClientIP != "" {
		return d.Err("client_ip already specified")
	}
	args, err := arguments(d, 1, 1, "client_ip full|mask|off")
	if err != nil {
		return err
	}
	h.ClientIP = args[0]
	if err := checkClientIP(h.ClientIP); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) unmarshalIPMask(d *caddyfile.Dispenser) error {
	if h.IPMask != nil {
		return d.Err("ip_mask already specified")
	}
	args, err := arguments(d, 1, 2, "ip_mask <ipv4 bits> [<ipv6 bits>]")
	if err != nil {
		return err
	}
	h.IPMask = new(IPMask)
	for i, target := range []**int{&h.IPMask.IPv4, &h.IPMask.IPv6}[:len(args)] {
		bits, err := strconv.Atoi(strings.TrimPrefix(args[i], "/"))
		if err != nil {
			return d.Errf("ip_mask has '%s': write a number of bits, such as 24", args[i])
		}
		*target = &bits
	}
	if err := h.IPMask.validate(clientIPMask); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) unmarshalHonor(d *caddyfile.Dispenser) error {
	if h.Honor != nil {
		return d.Err("honor already specified")
	}
	args, err := arguments(d, 1, 2, "honor gpc, honor dnt or honor gpc dnt")
	if err != nil {
		return err
	}
	for _, signal := range args {
		if err := checkSignal(signal); err != nil {
			return d.WrapErr(err)
		}
	}
	if len(args) == 2 && args[0] == args[1] {
		return d.Errf("honor names %s twice", args[0])
	}
	h.Honor = args
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Handler)(nil)
)

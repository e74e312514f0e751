// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

// URL returns the address of the pixel on a site: base is the site, such as
// https://example.com, and prefix a path prefix of the handler.
func (c *Composition) URL(base, prefix string, typ pixel.Type) (string, error) {
	site, err := url.Parse(base)
	if err != nil || site.Host == "" || site.Scheme != "https" && site.Scheme != "http" {
		return "", fmt.Errorf("%q is no address of a site: write one such as https://example.com", base)
	}
	if site.RawQuery != "" || site.Fragment != "" || site.User != nil {
		return "", fmt.Errorf("%q has more than a host and a path: write the address of the site, such as https://example.com", base)
	}
	path := strings.TrimRight(site.EscapedPath(), "/") + "/" + strings.Trim(prefix, "/")
	return site.Scheme + "://" + site.Host + strings.TrimRight(path, "/") + "/" + typ.String() + "?" + c.Query, nil
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;")

// ImageTag returns the HTML that loads a pixel and shows nothing. Mail clients skip
// images that styles hide, so it is not hidden. Merge tags stay as they are: they
// are replaced before anybody reads the HTML.
func ImageTag(pixelURL string) string {
	return `<img src="` + mergetag.Outside(pixelURL, htmlEscaper.Replace) + `" width="1" height="1" alt="" style="border:0">`
}

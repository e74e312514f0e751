// SPDX-License-Identifier: Apache-2.0

package pixel

// GIF is the answer to every request: one transparent pixel in 43 bytes.
const GIF = "GIF89a" + // signature and version
	"\x01\x00\x01\x00\x80\x00\x00" + // 1×1, a global table of two colours
	"\x00\x00\x00\xff\xff\xff" + // black, white
	"\x21\xf9\x04\x01\x00\x00\x00\x00" + // graphic control: colour 0 is transparent
	"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00" + // image descriptor
	"\x02\x02\x44\x01\x00" + // one pixel of colour 0, compressed
	"\x3b" // trailer

// SPDX-License-Identifier: Apache-2.0

package pixel

// DecodeStrictly is Decode without the repairs that are tried when the strict reading
// fails, to compare what they cost.
func (d *Decoder) DecodeStrictly(typ Type, query string, facts *Facts) {
	ws := workspaces.Get().(*workspace)
	d.decode(ws, typ, query, facts)
	ws.release()
}

// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"slices"
	"sync"
)

// changes are those that a forwarder has told of.
type changes struct {
	mu   sync.Mutex
	list []Change
}

func (c *changes) note(change Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, change)
}

func (c *changes) all() []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

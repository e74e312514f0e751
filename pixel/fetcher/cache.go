// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"strings"
	"sync"
)

const (
	// mostAgents is how many user agents each of the two generations of a cache holds.
	mostAgents = 4096
	// longestAgent is how many bytes a user agent may have that is remembered.
	longestAgent = 512
)

// cache remembers what is known of user agents. When the young generation is full it
// becomes the old one, so that what is asked for stays and memory is bounded.
type cache struct {
	mu         sync.RWMutex
	young, old map[string]answer
}

func (c *cache) get(agent string) (answer, bool) {
	c.mu.RLock()
	found, ok := c.young[agent]
	aged := false
	if !ok {
		found, aged = c.old[agent]
	}
	c.mu.RUnlock()
	if aged {
		c.put(agent, found)
	}
	return found, ok || aged
}

func (c *cache) put(agent string, found answer) {
	if len(agent) > longestAgent {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= mostAgents || c.young == nil {
		c.old, c.young = c.young, make(map[string]answer, 64)
	}
	// A part of a request's memory would keep all of it.
	c.young[strings.Clone(agent)] = found
}

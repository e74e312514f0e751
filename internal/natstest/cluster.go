// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// StartCluster starts three servers that share JetStream, and waits until they have
// a leader. They know each other by proxies, so that none needs a fixed port.
func StartCluster(t testing.TB) []*server.Server {
	t.Helper()
	var proxies []*Proxy
	var routes []*url.URL
	for range 3 {
		p := NewProxy(t)
		proxies = append(proxies, p)
		routes = append(routes, &url.URL{Scheme: "nats", Host: p.Address()})
	}
	var servers []*server.Server
	for i, p := range proxies {
		s := Start(t, func(o *server.Options) {
			o.ServerName = fmt.Sprintf("server-%d", i)
			o.Cluster = server.ClusterOpts{
				Name: "test", Host: "127.0.0.1", Port: -1, Advertise: p.Address(), PoolSize: -1,
			}
			o.Routes = routes
		})
		p.SetTarget(s.ClusterAddr().String())
		servers = append(servers, s)
	}
	Eventually(t, "the cluster has a leader", func() bool { return settled(servers) })
	return servers
}

// settled tells whether there is one leader, who knows all servers, and all of them
// are up to date.
func settled(servers []*server.Server) bool {
	leaders, peers := 0, 0
	for _, s := range servers {
		if !s.JetStreamIsCurrent() {
			return false
		}
		if s.JetStreamIsLeader() {
			leaders++
			peers = len(s.JetStreamClusterPeers())
		}
	}
	return leaders == 1 && peers == len(servers)
}

// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// installation is the example cluster: a hub of three servers, two Caddies behind a
// balancer, and an edge with a Caddy and a leaf node of its own.
type installation struct {
	t     *testing.T
	ports ports
	dir   string
	nats  map[string]*process // hub-1, hub-2, hub-3, edge-1
	caddy map[string]*process // a, b, edge, balancer
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	i := &installation{t: t, ports: make(ports), dir: t.TempDir(), nats: make(map[string]*process), caddy: make(map[string]*process)}
	server, caddy := buildProgram(t, "github.com/nats-io/nats-server/v2"), buildProgram(t, "../quickstart")
	for name, file := range map[string]string{"hub-1": "nats-1.conf", "hub-2": "nats-2.conf", "hub-3": "nats-3.conf", "edge-1": "leaf.conf"} {
		config := i.ports.copyFile(t, "../cluster/"+file, filepath.Join(i.dir, file))
		i.nats[name] = &process{t: t, name: name, dir: i.dir, args: []string{server, "-c", config}}
	}
	for name, file := range map[string]string{"a": "Caddyfile", "b": "Caddyfile", "edge": "Caddyfile.edge", "balancer": "Caddyfile.balancer"} {
		dir := filepath.Join(i.dir, "caddy-"+name)
		config := i.ports.copyFile(t, "../cluster/"+file, filepath.Join(dir, file))
		i.caddy[name] = &process{
			t: t, name: name, dir: dir, args: []string{caddy, "run", "--config", config, "--adapter", "caddyfile"},
			env: []string{"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "ADMIN=" + i.ports.of(t, name+" admin")},
		}
	}
	i.caddy["a"].env = append(i.caddy["a"].env, "LISTEN="+i.ports.of(t, "127.0.0.1:8080"))
	i.caddy["b"].env = append(i.caddy["b"].env, "LISTEN="+i.ports.of(t, "127.0.0.1:8082"))
	return i
}

// hub is a client of the hub.
func (i *installation) hub() jetstream.JetStream {
	i.t.Helper()
	var servers []string
	for _, port := range []string{"4222", "4223", "4224"} {
		servers = append(servers, "nats://"+i.ports.of(i.t, "127.0.0.1:"+port))
	}
	nc, err := nats.Connect(strings.Join(servers, ","), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(nc.Close)
	js, err := jetstream.NewWithDomain(nc, "hub")
	if err != nil {
		i.t.Fatal(err)
	}
	return js
}

// createStreams runs the commands of the README.
func (i *installation) createStreams(tool string) {
	i.t.Helper()
	for _, block := range shellBlock.FindAllStringSubmatch(readFile(i.t, "../cluster/README.md"), -1) {
		for script := range strings.Lines(natsLines(block[1])) {
			script = loopbackPort.ReplaceAllStringFunc(script, func(address string) string { return i.ports.of(i.t, address) })
			var out []byte
			pixeltest.Eventually(i.t, "the stream is made", func() bool {
				cmd := exec.Command("sh", "-e", "-c", script)
				cmd.Dir = "../cluster"
				cmd.Env = append(os.Environ(), "PATH="+tool+":"+os.Getenv("PATH"), "XDG_CONFIG_HOME="+i.dir)
				var err error
				out, err = cmd.CombinedOutput()
				return err == nil || strings.Contains(string(out), "already in use")
			})
		}
	}
}

// send sends pixels until each is answered, as a client does that tries again: the same
// one, with the same message id. It returns how many there were.
func (i *installation) send(site, name string, stop <-chan struct{}) int {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return n
		default:
		}
		url := fmt.Sprintf("http://%s/v1/pixel/track?writeKey=YOUR_WRITE_KEY&userId=u&event=e&messageId=%s-%d", i.ports.of(i.t, site), name, n)
		for {
			response, err := client.Get(url)
			if err == nil {
				_ = response.Body.Close()
				if response.StatusCode == http.StatusOK && response.Header.Get("Content-Type") == "image/gif" {
					break
				}
			}
			time.Sleep(50 * time.Millisecond) // A client's pause between two attempts; the test waits for nothing here.
		}
	}
}

// TestCluster kills one of each while clients that try again go through the balancer, and
// counts: none lost, and one that went through two Caddies is stored once.
func TestCluster(t *testing.T) {
	i := newInstallation(t)
	for _, server := range i.nats {
		server.start()
	}
	i.createStreams(buildNATS(t))
	hub := i.hub()
	for _, caddy := range i.caddy {
		caddy.start()
	}
	stop := make(chan struct{})
	counts := make([]int, 5)
	var clients sync.WaitGroup
	for n := range counts {
		site, name := "127.0.0.1:8000", fmt.Sprintf("client-%d", n)
		if n == 0 {
			site, name = "127.0.0.1:8081", "edge"
		}
		clients.Go(func() { counts[n] = i.send(site, name, stop) })
	}
	stored := func() uint64 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		stream, err := hub.Stream(ctx, "SEGMENT")
		if err != nil {
			return 0
		}
		return stream.CachedInfo().State.Msgs
	}
	more := func() {
		t.Helper()
		before := stored()
		pixeltest.Eventually(t, "events are stored", func() bool { return stored() > before+200 })
	}
	more()
	for _, victim := range []*process{i.caddy["a"], i.nats[i.leader(hub)], i.nats["edge-1"], i.caddy["b"], i.caddy["edge"]} {
		victim.kill()
		more()
		victim.start()
		more()
	}
	close(stop)
	clients.Wait()
	want := 0
	for _, n := range counts {
		want += n
	}
	pixeltest.Eventually(t, fmt.Sprintf("all %d are stored", want), func() bool { return stored() >= uint64(want) })
	i.check(hub, want)
	t.Logf("%d pixels, of which %d at the edge", want, counts[0])
}

// leader is the server that leads the stream.
func (i *installation) leader(hub jetstream.JetStream) string {
	i.t.Helper()
	name := ""
	pixeltest.Eventually(i.t, "the stream has a leader", func() bool {
		stream, err := hub.Stream(i.t.Context(), "SEGMENT")
		if err == nil && stream.CachedInfo().Cluster != nil {
			name = stream.CachedInfo().Cluster.Leader
		}
		return name != ""
	})
	return name
}

// check reads the stream, in which every message id has to be once.
func (i *installation) check(hub jetstream.JetStream, want int) {
	i.t.Helper()
	consumer, err := hub.OrderedConsumer(i.t.Context(), "SEGMENT", jetstream.OrderedConsumerConfig{HeadersOnly: true})
	if err != nil {
		i.t.Fatal(err)
	}
	seen := make(map[string]int)
	stream, err := hub.Stream(i.t.Context(), "SEGMENT")
	if err != nil {
		i.t.Fatal(err)
	}
	total := uint64(0)
	pixeltest.Eventually(i.t, "the stream is read to its end", func() bool {
		batch, err := consumer.Fetch(1000, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return false // once more, from where it was
		}
		for msg := range batch.Messages() {
			seen[msg.Headers().Get(nats.MsgIdHdr)]++
			total++
		}
		return total >= stream.CachedInfo().State.Msgs
	})
	for id, n := range seen {
		if n != 1 {
			i.t.Errorf("%s is stored %d times", id, n)
		}
	}
	if len(seen) != want {
		i.t.Errorf("%d events are stored, want %d", len(seen), want)
	}
}

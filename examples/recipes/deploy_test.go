// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func adapt(t *testing.T, name, text string) {
	t.Helper()
	if _, warnings, err := pixeltest.CaddyfileAdapter().Adapt([]byte(text), map[string]any{"filename": name}); err != nil {
		t.Errorf("%s: %v %v", name, err, warnings)
	}
}

// TestKubernetes checks the manifests against the types of Kubernetes' API, and the
// Caddyfile in them.
func TestKubernetes(t *testing.T) {
	cmd := exec.Command("go", "run", ".", "../segment-pixel.yaml")
	cmd.Dir = "../kubernetes/check"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	text, err := os.ReadFile("../kubernetes/segment-pixel.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct{ Data map[string]string }
	if err := yaml.Unmarshal([]byte(strings.SplitN(string(text), "\n---\n", 2)[0]), &config); err != nil {
		t.Fatal(err)
	}
	adapt(t, "Caddyfile of the ConfigMap", config.Data["Caddyfile"])
	for _, command := range []string{"health", "drain"} {
		if !strings.Contains(string(text)+readFile(t, "../kubernetes/README.md"), command) {
			t.Errorf("nothing runs %s", command)
		}
	}
}

// TestContainer checks the files of the image, as far as that goes without building it.
func TestContainer(t *testing.T) {
	adapt(t, "../docker/Caddyfile", readFile(t, "../docker/Caddyfile"))
	var compose struct {
		Services map[string]struct {
			Volumes []string
			Ports   []string
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "../docker/compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); compose.Volumes != nil {
				if _, known := compose.Volumes[source]; !known {
					t.Errorf("%s mounts %s, which is no volume", name, source)
				}
			}
		}
	}
	image := readFile(t, "../../Dockerfile")
	for line := range strings.Lines(image) {
		if from, found := strings.CutPrefix(line, "COPY examples/"); found {
			if _, err := os.Stat(filepath.Join("..", strings.Fields(from)[0])); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestUnit has systemd check the unit, where there is systemd.
func TestUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Log("there is no systemd here: the unit was not checked")
		return
	}
	unit := strings.ReplaceAll(readFile(t, "../systemd/caddy.service"), "/usr/bin/caddy", "/bin/true")
	name := filepath.Join(t.TempDir(), "caddy.service")
	if err := os.WriteFile(name, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", name).CombinedOutput()
	if complaints := strings.Contains(string(out), "caddy.service:"); err != nil || complaints {
		t.Errorf("%v: %s", err, out)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

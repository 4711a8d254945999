package grafana

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func readYAML(t *testing.T, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Boards and alerts name data sources that are provisioned, for the plugins that compose has Grafana install.
func TestProvisioning_Sources(t *testing.T) {
	var file struct {
		Datasources []struct {
			UID, Type      string
			OrgID          int               `yaml:"orgId"`
			SecureJSONData map[string]string `yaml:"secureJsonData"`
		}
	}
	readYAML(t, "provisioning/datasources/kaskad.yaml", &file)
	known := map[string]string{}
	for _, d := range file.Datasources {
		known[d.UID] = d.Type
		for name, secret := range d.SecureJSONData {
			if !strings.HasPrefix(secret, "$") {
				t.Errorf("%s: %s is written down", d.UID, name)
			}
		}
	}
	for _, d := range boards(t) {
		for _, p := range d.Panels {
			if p.Panel != nil && known[*p.Panel.Datasource.Uid] != *p.Panel.Datasource.Type {
				t.Errorf("%s asks %s", *p.Panel.Title, *p.Panel.Datasource.Uid)
			}
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				UID, Condition string
				Data           []struct {
					RefID      string `yaml:"refId"`
					Datasource string `yaml:"datasourceUid"`
				}
			}
		}
	}
	readYAML(t, "provisioning/alerting/kaskad.yaml", &rules)
	uids := map[string]bool{}
	for _, r := range rules.Groups[0].Rules {
		if uids[r.UID] || !regexp.MustCompile(`^[a-z-]{1,40}$`).MatchString(r.UID) {
			t.Errorf("uid %s", r.UID)
		}
		uids[r.UID] = true
		if known[r.Data[0].Datasource] == "" || r.Data[1].Datasource != "__expr__" || r.Condition != r.Data[1].RefID {
			t.Errorf("%s: %+v", r.UID, r)
		}
	}
	if len(uids) != len(Alerts()) {
		t.Errorf("%d rules of %d", len(uids), len(Alerts()))
	}
	// Grafana takes what follows a $ in such a file for a variable of its environment.
	text, err := os.ReadFile("provisioning/alerting/kaskad.yaml")
	if err != nil || strings.Contains(string(text), "$") {
		t.Error("the alert rules have a $", err)
	}
}

// What compose gives to containers is there, at pinned versions, on loopback alone, without a password for Grafana.
func TestCompose_Grafana(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Image, Build   string
			Ports, Volumes []string
			Environment    map[string]string
		}
		Volumes map[string]any
	}
	readYAML(t, "../../docker-compose.yml", &compose)
	for name, s := range compose.Services {
		if s.Build == "" && !regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+[0-9.]*$`).MatchString(s.Image) {
			t.Errorf("%s: image %s is not pinned", name, s.Image)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to others", name, port)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, named := compose.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join("../..", from)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	given := compose.Services["grafana"].Environment
	if given["GF_SECURITY_ADMIN_PASSWORD"] != "${GRAFANA_ADMIN_PASSWORD:-}" {
		t.Error("Grafana's password is written down")
	}
	plugins, want := given["GF_PLUGINS_PREINSTALL_SYNC"], ClickHouse+"@"+clickHouseVersion+","+Infinity+"@"+infinityVersion
	if plugins != want {
		t.Errorf("compose installs %s, boards are for %s", plugins, want)
	}
	sources, err := os.ReadFile("provisioning/datasources/kaskad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range regexp.MustCompile(`\$([A-Z_]+)`).FindAllStringSubmatch(string(sources), -1) {
		if _, is := given[v[1]]; !is {
			t.Errorf("compose gives Grafana no %s", v[1])
		}
	}
}

// account.sh makes an organisation once, and changes its key the second time.
func TestAccountScript_MakesAndChanges(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skipf("skipped: %v", err)
		}
	}
	var calls []string
	made, source := false, map[string]any{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		call := r.Method + " " + r.URL.Path
		calls = append(calls, call)
		if user, password, _ := r.BasicAuth(); user != "admin" || password != `se"c\ret` {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if org := r.Header.Get("X-Grafana-Org-Id"); !strings.HasPrefix(r.URL.Path, "/api/orgs") && org != "7" {
			t.Errorf("%s for organisation %q", call, org)
		}
		switch call {
		case "GET /api/orgs/name/shop":
			if !made {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			fmt.Fprint(w, `{"id":7,"name":"shop","address":{"address1":""}}`)
		case "POST /api/orgs":
			made = true
			fmt.Fprint(w, `{"message":"Organization created","orgId":7}`)
		case "GET /api/datasources/uid/kaskad-api":
			if len(source) == 0 {
				w.WriteHeader(http.StatusNotFound)
			}
		case "POST /api/datasources", "PUT /api/datasources/uid/kaskad-api":
			if err := json.Unmarshal(body, &source); err != nil {
				t.Errorf("%v in %s", err, body)
			}
		case "POST /api/dashboards/db":
			var board struct {
				Overwrite bool
				Dashboard struct{ UID string }
			}
			err := json.Unmarshal(body, &board)
			if err != nil || !board.Overwrite || board.Dashboard.UID != "kaskad-business" {
				t.Errorf("%v in %.200s", err, body)
			}
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer server.Close()
	run := func(key, password string) (string, error) {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), "bash", "account.sh", "shop", file)
		command.Env = append(os.Environ(), "GRAFANA_URL="+server.URL, "GRAFANA_ADMIN_PASSWORD="+password)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	for i, key := range []string{"kskd_first", "kskd_second"} {
		calls = nil
		if out, err := run(key, `se"c\ret`); err != nil || !strings.Contains(out, "organisation 7") {
			t.Fatalf("%v: %s", err, out)
		}
		secure, _ := source["secureJsonData"].(map[string]any)
		if secure["bearerToken"] != key || source["uid"] != "kaskad-api" || source["type"] != Infinity {
			t.Errorf("data source %v", source)
		}
		if again := slices.Contains(calls, "PUT /api/datasources/uid/kaskad-api"); again != (i == 1) {
			t.Errorf("calls %v", calls)
		}
	}
	if out, err := run("kskd_first", "wrong"); err == nil {
		t.Errorf("a wrong password: %s", out)
	}
	if out, err := run(`x","y":"`, `se"c\ret`); err == nil {
		t.Errorf("a key that is none: %s", out)
	}
}

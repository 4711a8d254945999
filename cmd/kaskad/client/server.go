package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/schema/listfile"
)

// listServer says whose list is meant, and at which server.
type listServer struct {
	Account string `help:"Account whose list it is." required:"" placeholder:"NAME"`
	ServerAddress
}

// ServerAddress says which server to use.
type ServerAddress struct {
	URL  string `name:"url" help:"Address of a running server; by default that of the kaskad that runs on --data." placeholder:"http://127.0.0.1:8080"`
	Data string `help:"Data directory of a running kaskad, when there is no --url." default:"data" type:"path"`
	Key  string `help:"Key of the API; better given as KASKAD_KEY. Without it the admin.key of --data, for servers of this machine." placeholder:"KEY"`
}

// serverTimeout is longer than a server takes for the longest list.
const serverTimeout = 2 * time.Minute

// API is a client of a running server.
type API struct {
	address string
	key     string // "" for none
	client  http.Client
}

// New returns a client of the server at an address such as http://127.0.0.1:8080; key "" stands for none.
func New(address, key string) *API {
	return &API{address: address, key: key, client: http.Client{Timeout: serverTimeout}}
}

// Address returns where the server is asked.
func (a *API) Address() string { return a.address }

// Find returns the server at that address, else the one that runs on the data directory.
func (s ServerAddress) Find(ctx context.Context) (*API, error) {
	address := strings.TrimRight(s.URL, "/")
	if address == "" {
		at, ok := datadir.ReadRunning(s.Data)
		if !ok {
			return nil, fmt.Errorf("%w; or say --url", datadir.CheckAttachable(s.Data, true))
		}
		if at.TLS {
			return nil, fmt.Errorf("--data: the kaskad on %s speaks TLS: say --url https://NAME, by a name of its "+
				"certificate", s.Data)
		}
		address = "http://" + at.API
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("--url: %q is no address such as http://127.0.0.1:8080", s.URL)
	}
	key, err := s.key(u.Hostname())
	if err != nil {
		return nil, err
	}
	return New(address, key), nil
}

// key is the key that is set, else that of the data directory: which no other machine is told.
func (s ServerAddress) key(host string) (string, error) {
	ip := net.ParseIP(host)
	if s.Key != "" || !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		return s.Key, nil
	}
	text, err := os.ReadFile(filepath.Join(s.Data, datadir.AdminKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the admin key of --data: %w: say --key or KASKAD_KEY", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// request makes a request with the key.
func (a *API) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.address+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.address, err)
	}
	if a.key != "" {
		request.Header.Set("Authorization", "Bearer "+a.key)
	}
	return request, nil
}

// storedList is a version of an account's list. Version 0 says that there is none.
type storedList struct {
	Version uint64 `json:"version"`
	At      string `json:"at"`
	rows    []listfile.Record
	lists   []byte // as a file holds them
}

// list returns an account's list, the newest one when version is 0.
func (a *API) list(ctx context.Context, kind listKind, account string, version uint64) (storedList, error) {
	var list storedList
	body, err := a.get(ctx, kind, account, "json", version)
	if err != nil {
		return list, err
	}
	if err = json.Unmarshal(body, &list); err == nil {
		list.lists, err = kind.shown(body)
	}
	if err == nil {
		list.rows, err = kind.rows(list.lists)
	}
	if err != nil {
		return list, fmt.Errorf("read the answer of %s: %w", a.address, err)
	}
	return list, nil
}

// shown picks the account's lists from an answer.
func (k listKind) shown(answer []byte) ([]byte, error) {
	if k.own != nil {
		return k.own(answer)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(answer, &members); err != nil {
		return nil, err
	}
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool {
		return !slices.Contains(k.lists, name) &&
			name != k.setting
	})
	return json.Marshal(members)
}

// export returns an account's list as import takes it.
func (a *API) export(ctx context.Context, kind listKind, account, form string, version uint64) ([]byte, storedList,
	error) {
	list, err := a.list(ctx, kind, account, version)
	if err != nil || list.Version == 0 {
		return nil, list, err
	}
	if form == "json" {
		var out bytes.Buffer
		if err := json.Indent(&out, list.lists, "", " "); err != nil {
			return nil, list, fmt.Errorf("read the answer of %s: %w", a.address, err)
		}
		return append(out.Bytes(), '\n'), list, nil
	}
	var body []byte
	if kind.write != nil {
		body, err = kind.write(form, list.lists)
	} else {
		// By its number: another list may have been put since.
		body, err = a.get(ctx, kind, account, form, list.Version)
	}
	if form == "yaml" {
		body = append(fmt.Appendf(nil, "# %s of account %q, version %d, put at %s\n", kind.name, account, list.Version,
			list.At), body...)
	}
	return body, list, err
}

func (a *API) get(ctx context.Context, kind listKind, account, form string, version uint64) ([]byte, error) {
	q := url.Values{"account": {account}, "format": {form}}
	if version > 0 {
		q.Set("version", strconv.FormatUint(version, 10))
	}
	return a.Send(ctx, http.MethodGet, "/v1/"+kind.name+"?"+q.Encode(), nil)
}

// put replaces the version current of an account's list (0: none) and returns the new version.
func (a *API) put(ctx context.Context, kind listKind, account string, lists []byte, current uint64) (uint64, error) {
	q := url.Values{"account": {account}, "if_version": {strconv.FormatUint(current, 10)}}
	body, err := a.Send(ctx, http.MethodPut, "/v1/"+kind.name+"?"+q.Encode(), lists)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Version uint64 `json:"version"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("read the answer of %s: %w", a.address, err)
	}
	return answer.Version, nil
}

// Send returns the body of a 200 or 201. Any other answer is an error with the server's own words.
func (a *API) Send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := a.request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w: is it running?", a.address, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.address, err)
	}
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusCreated {
		return answer, nil
	}
	return nil, a.refusal(response, answer)
}

// refusal returns the error in a server's answer other than 200.
func (a *API) refusal(response *http.Response, answer []byte) error {
	var p struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
		p.Detail = strings.TrimSpace(string(answer[:min(len(answer), 500)]))
	}
	return &refusalError{response.StatusCode, fmt.Sprintf("%s answers %s: %s", a.address, response.Status, p.Detail)}
}

// refusalError is an answer other than 200.
type refusalError struct {
	status int
	text   string
}

// Error says who answered what.
func (e *refusalError) Error() string { return e.text }

// refused reports whether a server has answered that the request is wrong, rather than that it should come again.
func refused(err error) bool {
	var r *refusalError
	return errors.As(err, &r) && r.status < http.StatusInternalServerError
}

// stream copies the body of a 200 as it comes, for as long as it takes. A body that ends too early is an error.
func (a *API) stream(ctx context.Context, path string, to io.Writer) error {
	response, err := a.open(ctx, path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(to, response.Body); err != nil {
		return a.brokeOff(err)
	}
	return nil
}

// open returns the answer to a GET, once it is a 200. The caller closes its body, which may take as long as it wants.
func (a *API) open(ctx context.Context, path string) (*http.Response, error) {
	request, err := a.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w: is it running?", a.address, err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.address, err)
	}
	return nil, a.refusal(response, answer)
}

// brokeOff is the error of an answer that ended too early.
func (a *API) brokeOff(err error) error {
	return fmt.Errorf("%s broke off: %w: its log says why; start again", a.address, err)
}

// Read reads the JSON that a GET of the path answers.
func (a *API) Read(ctx context.Context, path string, to any) error {
	body, err := a.Send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("read the answer of %s: %w", a.address, err)
	}
	return nil
}

// PutFirst puts a list where there is none.
func (a *API) PutFirst(ctx context.Context, path string, body []byte) error {
	var have struct{ Version uint64 }
	if err := a.Read(ctx, path, &have); err != nil || have.Version > 0 {
		return err
	}
	_, err := a.Send(ctx, http.MethodPut, path, body)
	return err
}

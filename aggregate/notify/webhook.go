package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kaskad/schema"
)

const (
	// webhookTimeout is how long an endpoint may take for its answer.
	webhookTimeout = 15 * time.Second
	// webhookBatchBytes stays below the 100 kB that common frameworks read of a body by default.
	webhookBatchBytes = 90_000
	// webhookLongestRetry is the longest wait between two tries: an endpoint that is mended hears of it within minutes.
	webhookLongestRetry = 5 * time.Minute
	// longestRetryAfter bounds what an endpoint may ask for, so that a slip of it does not silence it for good.
	longestRetryAfter = time.Hour
	// webhookDrain is how much of an answer is read, to use the connection again. What it says is not looked at.
	webhookDrain = 4 << 10

	secretPrefix = "whsec_"
	// The bounds of a key by the specification of Standard Webhooks.
	minKeyBytes, maxKeyBytes = 24, 64
)

// WebhookConfig says to which endpoint changes are announced, and how.
type WebhookConfig struct {
	// URL is https, or http on a loopback address.
	URL string
	// Secrets sign what is announced, each by itself, so that a receiver may change from one to the next: whsec_ and a
	// key in base64.
	Secrets []string
	// Insecure allows http to other addresses. Numbers and signatures can then be read on the way.
	Insecure bool
}

// Webhook announces changes to an endpoint, in the form of Standard Webhooks (https://www.standardwebhooks.com).
type Webhook struct {
	url     string
	signers []*standardwebhooks.Webhook
	client  *http.Client
}

// NewWebhook checks the configuration and connects to nothing.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	errs := []error{checkWebhookURL(c.URL, c.Insecure)}
	w := &Webhook{url: c.URL}
	if len(c.Secrets) == 0 {
		errs = append(errs, errors.New("secret: is missing, and a receiver could not tell who sends: make one by "+
			"`echo whsec_$(openssl rand -base64 32)`"))
	}
	for _, secret := range c.Secrets {
		signer, err := newSigner(secret)
		errs = append(errs, err)
		w.signers = append(w.signers, signer)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	w.client = &http.Client{
		Timeout: webhookTimeout, Transport: transport.Clone(),
		// Whoever may redirect could send numbers elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// checkWebhookURL does not repeat the URL, which may hold a password or a token.
func checkWebhookURL(text string, insecure bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("URL: want one such as https://crm.example.com/hooks/numbers")
	}
	if u.Fragment != "" {
		return errors.New("URL: what follows # is never sent; leave it out")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || insecure || strings.EqualFold(u.Hostname(), "localhost") ||
		(ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("URL: by http anybody on the way could read the numbers: use https, or --insecure-webhook " +
		"where the network is your own")
}

// newSigner does not repeat the secret.
func newSigner(secret string) (*standardwebhooks.Webhook, error) {
	const want = "want whsec_ and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes it"
	encoded, found := strings.CutPrefix(secret, secretPrefix)
	if !found {
		return nil, errors.New("secret: does not begin with whsec_: " + want)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("secret: is not in base64: " + want)
	}
	if len(key) < minKeyBytes || len(key) > maxKeyBytes {
		return nil, fmt.Errorf("secret: has %d bytes: %s", len(key), want)
	}
	return standardwebhooks.NewWebhookRaw(key)
}

// sink returns nil for no webhook. The name of its position has no address in it: an endpoint that moves goes on where
// it was.
func (w *Webhook) sink() *sink {
	if w == nil {
		return nil
	}
	return &sink{name: "webhook", positionName: "webhook", byAccount: true, batchBytes: webhookBatchBytes,
		longestRetry: webhookLongestRetry, announce: w.announce}
}

// webhookBody is what an endpoint is sent.
type webhookBody struct {
	Type string `json:"type"`
	// Timestamp is when the last of the changes was found, so that it stays the same when they are announced again.
	Timestamp string `json:"timestamp"`
	Data      struct {
		Changes []announcement `json:"changes"`
	} `json:"data"`
}

// announce sends a batch once. An answer of 2xx acknowledges it.
func (w *Webhook) announce(ctx context.Context, batch []schema.NumberChange) error {
	request, err := w.request(ctx, batch, time.Now()) // receivers compare with the time of day, whatever --now says
	if err != nil {
		return err
	}
	response, err := w.client.Do(request)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // without the URL
		}
		return fmt.Errorf("post to the webhook: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, webhookDrain) // the status has said all
	return checkAnswer(response.StatusCode, response.Header.Get("Retry-After"), time.Now())
}

// checkAnswer returns nil for an answer that acknowledges.
func checkAnswer(status int, retryAfter string, now time.Time) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusGone:
		return &refusal{err: errors.New("the webhook answered 410 Gone"), gone: true}
	case status/100 == 3:
		return &refusal{err: fmt.Errorf("the webhook answered %d, and redirects are not followed: set --webhook-url "+
			"to where it leads", status)}
	}
	return &refusal{err: fmt.Errorf("the webhook answered %d %s", status, http.StatusText(status)),
		after: parseRetryAfter(retryAfter, now)}
}

// parseRetryAfter reads seconds or a date; 0 for neither.
func parseRetryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(0, wait), longestRetryAfter)
}

// request makes a signed request. Its id is the same each time that the batch is announced, so that a receiver may
// leave out what it has.
func (w *Webhook) request(ctx context.Context, batch []schema.NumberChange, now time.Time) (*http.Request, error) {
	last := batch[len(batch)-1]
	body := webhookBody{Type: "number.changed", Timestamp: formatTime(last.SeenMS)}
	body.Data.Changes = make([]announcement, len(batch))
	for i := range batch {
		body.Data.Changes[i] = newAnnouncement(&batch[i])
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write changes of numbers: %w", err)
	}
	id := fmt.Sprintf("numbers_%d_%d", batch[0].Seq, last.Seq)
	signatures := make([]string, len(w.signers))
	for i, s := range w.signers {
		if signatures[i], err = s.Sign(id, now, encoded); err != nil {
			return nil, fmt.Errorf("sign changes of numbers: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(encoded))
	if err != nil {
		return nil, errors.New("webhook: URL cannot be used")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kaskad")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return request, nil
}

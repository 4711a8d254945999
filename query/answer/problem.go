package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"
)

var (
	// ErrDiskFull is what a Producer's error wraps when the broker takes nothing for lack of space on its disk.
	ErrDiskFull = errors.New("disk is nearly full")

	// ErrUnavailable is what a Producer's error wraps when Kafka is away, so that the caller is told to send the events
	// again. An error with a method Unavailable() bool that returns true says the same.
	ErrUnavailable = errors.New("kafka is unavailable")
)

// ParameterError says which parameter of a request is wrong, and how to mend it.
type ParameterError struct {
	Parameter string `json:"parameter"`
	Reason    string `json:"reason"`
}

// Problem is an error answer in the form of RFC 9457. Handlers return it as an error.
type Problem struct {
	Type   string           `json:"type"`
	Title  string           `json:"title"`
	Status int              `json:"status"`
	Detail string           `json:"detail"`
	Errors []ParameterError `json:"errors,omitempty"`

	// retryAfter is sent as Retry-After, in seconds, when it is not 0.
	retryAfter int
	// cause is what went wrong inside; it is logged, never sent.
	cause error
}

// Error returns the detail, and the cause for the log.
func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%s: %v", p.Detail, p.cause)
	}
	return p.Detail
}

func (p *Problem) Unwrap() error { return p.cause }

// NewProblem makes an error answer; slug is the stable name that programs may compare.
func NewProblem(status int, slug, detail string) *Problem {
	return &Problem{Type: "urn:kaskad:problem:" + slug, Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *Problem) Because(err error) *Problem {
	p.cause = err
	return p
}

func (p *Problem) After(seconds int) *Problem {
	p.retryAfter = seconds
	return p
}

// BadParameter is a 400 about one parameter.
func BadParameter(name, reason string) *Problem {
	p := NewProblem(http.StatusBadRequest, "bad-parameter", name+": "+reason)
	p.Errors = []ParameterError{{name, reason}}
	return p
}

// AsProblem turns whatever a handler returned into an answer.
func AsProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var exception *clickhouse.Exception
	var network net.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, ErrDiskFull):
		return DiskFull().Because(err)
	case errors.As(err, &exception):
		return asQueryProblem(exception.Code).Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return tooSlow().Because(err)
	case errors.As(err, &dial), errors.Is(err, io.EOF), errors.Is(err, clickhouse.ErrConnectionClosed),
		errors.Is(err, clickhouse.ErrAcquireConnTimeout), errors.Is(err, clickhouse.ErrAcquireConnNoAddress):
		return NewProblem(http.StatusServiceUnavailable, "storage-unavailable",
			"ClickHouse cannot be reached; try again").After(2).Because(err)
	}
	return NewProblem(http.StatusInternalServerError, "internal",
		"something went wrong inside; the server's log says what").Because(err)
}

func tooSlow() *Problem {
	return NewProblem(http.StatusServiceUnavailable, "too-slow",
		"the answer took too long: shorten from…to, or filter by account")
}

// asQueryProblem knows the errors of ClickHouse that the caller, or who runs the service, can do something about.
func asQueryProblem(code int32) *Problem {
	switch code {
	case 159, 160: // TIMEOUT_EXCEEDED, TOO_SLOW
		return tooSlow()
	case 241, 396: // MEMORY_LIMIT_EXCEEDED, TOO_MANY_ROWS_OR_BYTES
		return NewProblem(http.StatusServiceUnavailable, "too-large",
			"the answer needs too much memory: shorten from…to, or group by less")
	case 158, 307: // TOO_MANY_ROWS, TOO_MANY_BYTES
		return NewProblem(http.StatusServiceUnavailable, "too-large",
			"the answer reads more rows than the key's scopes allow: shorten from…to, or filter")
	case 202: // TOO_MANY_SIMULTANEOUS_QUERIES
		return NewProblem(http.StatusServiceUnavailable, "busy", "too many queries at a time; try again").After(2)
	case 243: // NOT_ENOUGH_SPACE
		return DiskFull()
	case 60, 81, 47: // UNKNOWN_TABLE, UNKNOWN_DATABASE, UNKNOWN_IDENTIFIER
		return NewProblem(http.StatusServiceUnavailable, "not-migrated",
			"the database has not this program's schema: run kaskad migrate")
	}
	return NewProblem(http.StatusInternalServerError, "internal",
		"something went wrong inside; the server's log says what")
}

// Send writes the problem, unless an answer has begun already.
func (p *Problem) Send(c *gin.Context) { p.SendWith(c, p) }

// SendWith writes a body that holds the problem's members and more.
func (p *Problem) SendWith(c *gin.Context, body any) {
	c.Abort()
	if c.Writer.Written() {
		return
	}
	c.Writer.Header().Del("Content-Type") // of rows that did not come
	if p.retryAfter > 0 {
		c.Header("Retry-After", fmt.Sprint(p.retryAfter))
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		encoded = []byte(`{"type":"urn:kaskad:problem:internal","title":"Internal Server Error","status":500,"detail":"the error cannot be written"}`)
	}
	c.Data(p.Status, "application/problem+json", encoded)
}

// CutOff cuts the connection of an answer that has begun, for it cannot become an error any more, and nobody may take a
// part for the whole.
func CutOff(c *gin.Context) {
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
}

func DiskFull() *Problem {
	return NewProblem(http.StatusInsufficientStorage, "disk-full",
		"the disk of the server is nearly full: nothing was stored; free some space there and send the request again").
		After(10)
}

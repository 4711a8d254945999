package query

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/query/alerts"
	"kaskad/query/answer"
	"kaskad/query/door"
	"kaskad/query/forecast"
	"kaskad/query/lists"
	"kaskad/query/messages"
	"kaskad/query/mount"
	"kaskad/query/numbers"
	"kaskad/query/openapi"
	"kaskad/query/overview"
	"kaskad/query/prices"
	"kaskad/query/report"
	"kaskad/query/savings"
	"kaskad/query/store"
	"kaskad/query/views"
	"kaskad/schema"
	"kaskad/schema/event"
)

// Timeouts of a connection besides readTimeout and writeTimeout.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 120 * time.Second
	shutdownTimeout   = 15 * time.Second
	maxHeaderBytes    = 64 << 10
	// maxExports is how many answers of limit=all are written at a time, and maxLooks how many ask for the state of the
	// service.
	maxExports, maxLooks = 8, 4
	// maxUnpacking is how many lists and Arrow streams are read at a time. One may take half a GiB.
	maxUnpacking = 2
	// maxWait is how long a request waits for its turn before it is told to come again.
	maxWait = 5 * time.Second
)

// Server answers the HTTP API. It is safe for concurrent use.
type Server struct {
	config  Config
	deps    Deps
	logger  *slog.Logger
	handler http.Handler
	metrics *metrics

	db    *store.DB
	gate  *answer.Gate
	mount *mount.Mount
	door  *door.Door
	// decoders are reused between requests, for they are not safe for concurrent use.
	decoders sync.Pool
	stop     sync.Once
	// erasing lets one number be erased at a time.
	erasing sync.Mutex
	// counted is what a status counted last.
	counted atomic.Pointer[counts]
	// site is the page that browsers are shown.
	site *site
	// rooms are the parts of the API, in the order in which GET / names them.
	rooms []room
	// all are the routes of the API, and page describes them.
	all  []answer.Route
	page *openapi.Page
}

// room is a part of the API: it lists what it serves.
type room interface{ Routes() []answer.Route }

// New makes a server. It does nothing until Handler or Run is called. The error names every setting that is wrong.
func New(config Config, deps Deps) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("configure HTTP server: %w", err)
	}
	if deps.Conn == nil {
		return nil, errors.New("configure HTTP server: a connection to ClickHouse is required")
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s := &Server{config: config, deps: deps, logger: deps.Logger, metrics: m}
	if s.site, err = newSite(deps.Page); err != nil {
		return nil, fmt.Errorf("configure HTTP server: %w", err)
	}
	s.db = newDB(config, deps)
	s.gate = newGate(config)
	s.db.Busy = s.gate.Queries.Several
	s.mount = &mount.Mount{DB: s.db, Gate: s.gate, Logger: s.logger}
	if s.door, err = newDoor(config, s); err != nil {
		return nil, fmt.Errorf("configure HTTP server: %w", err)
	}
	s.gate.Note = s.door.Note
	if config.Auth == authKeys {
		s.mount.Guard = s.door.Guard
	}
	if s.rooms, err = newRooms(s.db, s.gate, deps.Letters, deps.Registerer); err != nil {
		return nil, err
	}
	s.rooms = append(s.rooms, s.door)
	s.page = openapi.NewPage(config.Version, func() []answer.Route { return s.all })
	s.decoders.New = func() any { return &event.Decoder{MeasureSMS: deps.MeasureSMS, NameUnknown: true} }
	if s.handler, err = compressed(s.routes()); err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return s, nil
}

// newRooms makes the rooms that anybody may enter whom the door lets in.
func newRooms(db *store.DB, gate *answer.Gate, letters messages.Letters, registerer prometheus.Registerer) ([]room,
	error) {
	priceLists := prices.NewCache(db)
	saved, err := savings.New(db, priceLists, registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	shown := overview.Rooms{Reports: report.New(db, priceLists), Savings: saved, Lists: lists.New(db, gate),
		Numbers: numbers.New(db, gate, priceLists), Messages: messages.New(db, gate, priceLists, letters),
		Alerts: alerts.New(db, gate)}
	return []room{overview.New(db, shown), shown.Reports, saved, forecast.New(db, gate, priceLists), shown.Lists,
		shown.Numbers, shown.Messages, shown.Alerts, views.New(db, gate)}, nil
}

// Reports lists the reports of the API by name, as their routes describe them to programs that ask for them.
func Reports() ([]answer.Route, error) {
	rooms, err := newRooms(&store.DB{}, &answer.Gate{}, messages.Letters{}, nil)
	if err != nil {
		return nil, err
	}
	var routes []answer.Route
	for _, r := range rooms {
		routes = append(routes, slices.DeleteFunc(r.Routes(),
			func(r answer.Route) bool {
				return r.Method != http.MethodGet || !strings.HasPrefix(r.Path, "/v1/reports/")
			})...)
	}
	slices.SortFunc(routes, func(a, b answer.Route) int { return strings.Compare(a.Path, b.Path) })
	return routes, nil
}

func newDoor(config Config, s *Server) (*door.Door, error) {
	return door.New(door.Config{Keys: config.Auth == authKeys, AdminKey: config.AdminKey, Limits: config.KeyLimits,
		IngestLimits: config.IngestLimits, TLS: config.TLS != nil, Loopback: loopbackName}, s.db, s.gate, s.logger)
}

// Handler returns the whole API, its guards included.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves the listener until ctx ends, then lets the requests in flight finish, for 15 seconds at most. It closes
// the listener. With Auth "off" it refuses a listener that is not on loopback, unless InsecureListen is set.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	if err := s.checkListener(listener.Addr()); err != nil {
		_ = listener.Close()
		return err
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       answer.ReadTimeout,
		WriteTimeout:      answer.WriteTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// OPTIONS * is answered by the handler too.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
		// Requests outlive ctx, so that they are finished rather than cut off.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	stopped := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-ended:
		}
		s.stop.Do(func() { close(s.gate.Stopping) })
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := server.Shutdown(last)
		if err != nil {
			_ = server.Close()
		}
		stopped <- err
	}()
	if s.config.TLS != nil {
		listener = tls.NewListener(listener, s.config.TLS)
	}
	err := server.Serve(problemListener{listener})
	close(ended)
	if stopping := <-stopped; stopping != nil {
		return fmt.Errorf("stop HTTP server: requests were cut off: %w", stopping)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", listener.Addr(), err)
	}
	return nil
}

func (s *Server) checkListener(address net.Addr) error {
	if s.config.InsecureListen || s.config.Auth == authKeys {
		return nil
	}
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("refuse to listen on %s: with --auth off everybody who reaches it may read and write "+
		"everything; listen on 127.0.0.1, or pass --insecure-listen where something else guards the port", address)
}

func (s *Server) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true // A message id may hold a slash, sent as %2F.
	r.RedirectTrailingSlash = false
	r.HandleMethodNotAllowed = true
	r.Use(s.observe, s.recover, s.secure)
	r.NoRoute(s.mount.Handle(func(c *gin.Context) error {
		if s.site.wanted(c.Request) && !isAPI(c.Request.URL.Path) {
			return s.site.show(c)
		}
		return answer.NewProblem(http.StatusNotFound, "no-such-route",
			"there is nothing at this path; GET / lists what there is")
	}))
	r.NoMethod(s.mount.Handle(func(c *gin.Context) error {
		return answer.NewProblem(http.StatusMethodNotAllowed, "method-not-allowed",
			c.Request.Method+" is not supported here; use "+c.Writer.Header().Get("Allow"))
	}))
	s.all = s.served()
	var addresses []string
	for _, route := range s.all {
		addresses = append(addresses, route.Try...)
	}
	s.all = append(s.all, answer.Route{Method: http.MethodGet, Path: "/", For: answer.Open,
		Serve: func(c *gin.Context) error { return s.landing(c, addresses) }}.
		Says(answer.TagService, "Addresses to begin with, or the page for a browser", "", nil,
			answer.Answer{Text: "What there is, or the page.", Of: answer.Typed[landingAnswer](),
				Media: []string{"text/html"}}))
	s.mount.Routes(r, s.all)
	s.mount.Routes(r, s.site.routes())
	return r.Handler()
}

func newDB(config Config, deps Deps) *store.DB {
	return &store.DB{Conn: deps.Conn, Columns: deps.Columns, Now: config.Now, Fixed: config.Fixed,
		QueryTime: config.QueryTime,
		Silence:   store.MaxSilence, Stated: deps.Freshness,
		Cursors: answer.NewCursors(config.CursorKeys, func(ctx context.Context) ([]schema.CursorKey, error) {
			ctx, cancel := context.WithTimeout(ctx, min(store.MaxSilence, config.QueryTime))
			defer cancel()
			return schema.CursorKeys(ctx, deps.Conn)
		})}
}

func newGate(config Config) *answer.Gate {
	turns := func(most int) answer.Turns { return answer.NewTurns(most, maxWait) }
	g := &answer.Gate{Queries: turns(config.MaxQueries), Overrides: turns(config.MaxQueries),
		Exports:   turns(maxExports),
		Workbooks: turns(answer.MaxWorkbooks), Looks: turns(maxLooks), Uploads: turns(config.MaxUploads),
		Unpacking: turns(maxUnpacking), Stopping: make(chan struct{}), By: "auth " + config.Auth}
	g.Bodies.Store(config.BodyMemory)
	return g
}

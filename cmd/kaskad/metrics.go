package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// registerDisk adds the disk of the embedded services, and how often it made ClickHouse start again, to the metrics.
func (st *stack) registerDisk() {
	if st.disk == nil {
		return
	}
	gauge := func(name, help string, value func() float64) {
		st.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "kaskad", Subsystem: "disk",
			Name: name, Help: help}, value))
	}
	gauge("free_bytes", "Free space on the disk of the data directory.",
		func() float64 { return float64(st.disk.Usage().Free) })
	gauge("total_bytes", "Size of the disk of the data directory.",
		func() float64 { return float64(st.disk.Usage().Total) })
	gauge("full", "1 while nothing is written because the disk is nearly full.", func() float64 {
		if st.disk.Full() {
			return 1
		}
		return 0
	})
	if st.clickhouse != nil {
		st.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "kaskad",
			Subsystem: "engine", Name: "replaced_total",
			Help: "Times that the embedded ClickHouse was started again because it lost writes or could not read a " +
				"part."},
			func() float64 { return float64(st.clickhouse.Renewed()) }))
	}
}

// serveMetrics serves /metrics and /healthz for a process without the API, and returns what stops it.
func (st *stack) serveMetrics(address string) (func(), error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics-listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(st.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
	}, nil
}

// Command traffic reads and writes in etcd clusters as Kubernetes API servers do, at a few requests per second, until
// it is stopped. It fills each cluster with a bounded number of keys, survives every failure of a member, and compacts
// as an API server does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	configFile := flag.String("config", "", "YAML file with the clusters")
	address := flag.String("listen-address", "127.0.0.1:8080", "where /metrics and /readyz are served")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *configFile, *address); err != nil {
		slog.Error("traffic ended", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, configFile, address string) error {
	config, err := readConfig(configFile)
	if err != nil {
		return err
	}
	loads := make([]*load, 0, len(config.Clusters))
	for _, cluster := range config.Clusters {
		load, err := newLoad(cluster)
		if err != nil {
			return fmt.Errorf("cluster %s: %w", cluster.Name, err)
		}
		defer load.close()
		loads = append(loads, load)
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for _, load := range loads {
		running.Go(func() { load.run(ctx) })
	}
	err = serve(ctx, listener)
	running.Wait()
	return err
}

// serve answers /metrics and /readyz until ctx ends.
func serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.Handler())
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

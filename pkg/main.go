// Command gpx_etcdfleet_datasource is the backend of the Grafana datasource etcdfleet-slo-datasource. Grafana starts it.
package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	sdk "github.com/grafana/grafana-plugin-sdk-go/backend/datasource"

	"github.com/etcdfleet/etcd-fleet/pkg/datasource"
)

func main() {
	if err := sdk.Manage("etcdfleet-slo-datasource", datasource.New, sdk.ManageOpts{}); err != nil {
		backend.Logger.Error("The datasource's backend ended", "error", err)
		os.Exit(1)
	}
}

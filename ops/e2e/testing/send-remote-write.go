// Sends remote_write 2.0 to an address under a key, with Prometheus' own client library: a counter, a gauge with
// its unit and a native histogram, some samples of each. Prints what the receiver says is written.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
)

const samples = 20

func main() {
	address, key := os.Args[1], os.Args[2]
	client := &http.Client{Transport: withKey(key)}
	api, err := remote.NewAPI(address, remote.WithAPIHTTPClient(client))
	check(err)
	symbols := writev2.NewSymbolTable()
	series := func(name string, unit string, kind writev2.Metadata_MetricType) *writev2.TimeSeries {
		return &writev2.TimeSeries{
			LabelsRefs: symbols.SymbolizeLabels([]string{"__name__", name, "job", "foreign"}, nil),
			Metadata:   &writev2.Metadata{Type: kind, UnitRef: symbols.Symbolize(unit)},
		}
	}
	orders := series("orders", "", writev2.Metadata_METRIC_TYPE_COUNTER)
	age := series("age_seconds", "seconds", writev2.Metadata_METRIC_TYPE_GAUGE)
	latency := series("latency", "", writev2.Metadata_METRIC_TYPE_HISTOGRAM)
	first := time.Now().UnixMilli() - samples
	for i := int64(0); i < samples; i++ {
		orders.Samples = append(orders.Samples, &writev2.Sample{Value: float64(i), Timestamp: first + i})
		age.Samples = append(age.Samples, &writev2.Sample{Value: float64(i) / 2, Timestamp: first + i})
	}
	latency.Histograms = []*writev2.Histogram{{
		Count:          &writev2.Histogram_CountInt{CountInt: 3},
		Sum:            4.5,
		ZeroCount:      &writev2.Histogram_ZeroCountInt{ZeroCountInt: 0},
		PositiveSpans:  []*writev2.BucketSpan{{Offset: 1, Length: 2}},
		PositiveDeltas: []int64{1, 1},
		Timestamp:      first,
	}}
	request := &writev2.Request{Timeseries: []*writev2.TimeSeries{orders, age, latency}}
	request.Symbols = symbols.Symbols()
	stats, err := api.Write(context.Background(), remote.WriteV2MessageType, request)
	check(err)
	fmt.Printf("%d samples, %d histograms\n", stats.Samples, stats.Histograms)
}

type withKey string

func (key withKey) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+string(key))
	return http.DefaultTransport.RoundTrip(request)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

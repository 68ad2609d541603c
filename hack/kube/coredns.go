package main

import (
	"os"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

// runCoreDNS serves the cluster's DNS with only the plugins that the test
// cluster's Corefile names. The order is that of CoreDNS's own plugin.cfg: it
// decides the order in which plugins see a query.
func runCoreDNS() int {
	dnsserver.Directives = []string{"bind", "ready", "health", "errors", "cache", "kubernetes"}
	os.Args[0] = "coredns"
	coremain.Run()
	return 0
}

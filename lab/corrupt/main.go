// Command corrupt deletes keys from the backend file of a stopped etcd member, or changes values, so that the member's
// data differs from its peers'. It implements `npm run lab fault corrupt` and `fault change-values`.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/etcdfleet/etcd-fleet/internal/etcdcorrupt"
)

func main() {
	db := flag.String("db", "", "the member's backend file, <data-dir>/member/snap/db")
	keys := flag.Int("keys", 0, "how many keys to delete")
	values := flag.Int("values", 0, "instead, how many values to change")
	flag.Parse()

	damage, n := etcdcorrupt.DeleteKeys, *keys
	if *values > 0 {
		damage, n = etcdcorrupt.ChangeValues, *values
	}
	damaged, err := damage(*db, n)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(damaged)
}

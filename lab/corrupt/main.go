// Command corrupt deletes keys from the backend file of a stopped etcd member, so that the member's data differs from
// its peers'. It exists for `npm run lab fault corrupt`.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/etcdfleet/etcd-fleet/internal/etcdcorrupt"
)

func main() {
	db := flag.String("db", "", "the member's backend file, <data-dir>/member/snap/db")
	keys := flag.Int("keys", 1, "how many keys to delete")
	flag.Parse()

	deleted, err := etcdcorrupt.DeleteKeys(*db, *keys)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(deleted)
}

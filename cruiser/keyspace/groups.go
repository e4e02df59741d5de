package keyspace

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// ErrTooManyGroups says that the keys fall into more groups than were asked for.
var ErrTooManyGroups = errors.New("too many groups of keys")

// Group is how many keys there are in a range.
type Group struct {
	// From is the first key that can be in it, and what it is known by.
	From string
	Keys int64
}

// Grouping says how keys are counted together.
type Grouping struct {
	// Of returns the range [from, to) of the group that a key is in. It returns the same range for all keys in it.
	Of func(key []byte) (from, to []byte)

	// Known are the From of groups found earlier, in order. They save the search for groups: CountGroups needs a call for
	// each, and counts no key twice.
	Known []string

	// Most is how many groups there may be; 0 is any number.
	Most int
}

// CountGroups counts the keys of each group that has any, in the order of the keys, at one revision. Every key is counted,
// whether its group is known or not, and whatever the options say of From and End. It reads a page of a large group at
// most, and the keys of small ones.
func CountGroups(ctx context.Context, client *clientv3.Client, options WalkOptions, grouping Grouping) ([]Group, WalkStats, error) {
	c := &groupCounter{grouping: grouping}
	c.walker = newWalker(client, options, c.visit)
	c.group, c.skipped = grouping.Of, c.add
	err := c.countKnown(ctx)
	if err == nil {
		err = c.walk(ctx)
	}
	if err == nil && c.tooMany() {
		err = ErrTooManyGroups
	}
	return c.groups, c.stats, err
}

type groupCounter struct {
	*walker
	grouping Grouping
	groups   []Group
}

// countKnown counts the known groups and walks through the gaps between them that hold keys. It leaves the walker behind
// the last.
func (c *groupCounter) countKnown(ctx context.Context) error {
	c.jump([]byte{0}, nil)
	for _, known := range c.grouping.Known {
		from, to := c.grouping.Of([]byte(known))
		if len(to) == 0 || string(from) != known || bytes.Compare(c.pos, from) > 0 {
			continue // grouped otherwise, or not in order: its keys are found as those of any unknown group
		}
		response, err := c.countTo(ctx, to)
		if err != nil {
			return err
		}
		if response.Count > 0 && bytes.Compare(response.Kvs[0].Key, from) < 0 {
			if err := c.walkGap(ctx, from); err != nil {
				return err
			}
			if response, err = c.countTo(ctx, to); err != nil {
				return err
			}
		}
		if response.Count > 0 {
			c.add(from, response.Count)
			c.passed += response.Count
		}
		c.jump(to, nil)
	}
	return nil
}

// countTo counts the keys from pos to end, of which the first is returned.
func (c *groupCounter) countTo(ctx context.Context, end []byte) (*clientv3.GetResponse, error) {
	response, err := c.count(c.ask(ctx, c.pos, end, clientv3.WithKeysOnly(), clientv3.WithLimit(1)))
	if err != nil {
		return nil, err
	}
	if c.stats.Revision == 0 {
		c.stats.Revision = response.Header.Revision
	}
	return response, c.spend(ctx, response)
}

// walkGap counts the groups before a key.
func (c *groupCounter) walkGap(ctx context.Context, end []byte) error {
	c.jump(c.pos, end)
	if err := c.walk(ctx); err != nil {
		return err
	}
	c.jump(end, nil)
	return nil
}

// jump makes the walker start again at pos.
func (c *groupCounter) jump(pos, end []byte) {
	c.pos, c.end, c.before = pos, end, nil
}

func (c *groupCounter) visit(page []*mvccpb.KeyValue) error {
	for _, kv := range page {
		from, _ := c.grouping.Of(kv.Key)
		c.add(from, 1)
	}
	if c.tooMany() {
		return ErrTooManyGroups
	}
	return nil
}

func (c *groupCounter) add(from []byte, keys int64) {
	if last := len(c.groups) - 1; last >= 0 && c.groups[last].From == string(from) {
		c.groups[last].Keys += keys
		return
	}
	c.groups = append(c.groups, Group{From: string(from), Keys: keys})
}

func (c *groupCounter) tooMany() bool {
	return c.grouping.Most > 0 && len(c.groups) > c.grouping.Most
}

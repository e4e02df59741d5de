package managerflags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// allNamespaces is the value of --namespaces that means all.
const allNamespaces = "*"

// namespaces is the value of --namespaces.
type namespaces []string

// String implements flag.Value.
func (n *namespaces) String() string { return strings.Join(*n, ",") }

// Set implements flag.Value.
func (n *namespaces) Set(value string) error {
	names := strings.Split(value, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if problems := validation.IsDNS1123Label(names[i]); len(problems) > 0 && names[i] != allNamespaces {
			return fmt.Errorf("%q is not the name of a namespace: write names with commas between them, or %s for all", names[i], allNamespaces)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 1 && slices.Contains(names, allNamespaces) {
		return errors.New("* stands for all namespaces: write it alone, or write names alone")
	}
	*n = names
	return nil
}

func (n namespaces) all() bool { return slices.Equal(n, []string{allNamespaces}) }

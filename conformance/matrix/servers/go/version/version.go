// Package version tells what a program was built with.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Print prints the version of the module and of Go.
func Print(module string) {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == module {
			goVersion := strings.TrimPrefix(runtime.Version(), "go")
			fmt.Printf("%s %s | Go %s\n", module, strings.TrimPrefix(dep.Version, "v"), goVersion)
		}
	}
}

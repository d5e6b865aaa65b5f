// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import "path/filepath"

// temporaries are patterns of files that editors and file systems create for their own use.
var temporaries = []string{
	"4913",                   // Vim tests whether it can create files.
	".*.sw[a-px]", ".*.swpx", // swap files of Vim and nano
	"*~", // backups of Vim, Emacs, gedit and others
	".*.un~",
	".#*", "#*#", // Emacs: locks and unsaved text
	"*___jb_tmp___", "*___jb_old___", ".idea", // JetBrains
	".*.kate-swp",
	".*.kak.??????",
	".goutputstream-??????", // GLib writes a new version beside the file.
	".~lock.*#",             // LibreOffice
	"*-go-tmp-umask",        // The go command tests the umask.
	".DS_Store", "._*",      // macOS
	".nfs????????????????????????", ".fuse_hidden*", // removed files that are still open
}

// temporary reports whether the name of a file or directory matches one.
func temporary(name string) bool {
	for _, pattern := range temporaries {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

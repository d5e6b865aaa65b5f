// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

// The fields by which Sessions can be selected in lists and watches.
const (
	FieldName          = "metadata.name"
	FieldExitCondition = "spec.exitCondition"
	FieldTiltfilePath  = "spec.tiltfilePath"
	FieldDone          = "status.done"
)

// SelectableFields are the values that field selectors are matched against.
func SelectableFields(session *Session) fields.Set {
	return fields.Set{
		FieldName:          session.Name,
		FieldExitCondition: string(session.Spec.ExitCondition),
		FieldTiltfilePath:  session.Spec.TiltfilePath,
		FieldDone:          strconv.FormatBool(session.Status.Done),
	}
}

func addFieldLabelConversion(scheme *runtime.Scheme) error {
	return scheme.AddFieldLabelConversionFunc(SchemeGroupVersion.WithKind("Session"), checkFieldLabel)
}

// checkFieldLabel accepts the selectable fields as they are.
func checkFieldLabel(label, value string) (string, string, error) {
	switch label {
	case FieldName, FieldExitCondition, FieldTiltfilePath, FieldDone:
		return label, value, nil
	default:
		return "", "", fmt.Errorf("%q is not a field that Sessions can be selected by: use %s, %s, %s or %s",
			label, FieldName, FieldExitCondition, FieldTiltfilePath, FieldDone)
	}
}

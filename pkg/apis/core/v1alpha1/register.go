// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"net/url"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of Sessions.
const GroupName = "tilt.dev"

var (
	// SchemeGroupVersion is the group and version that this package defines.
	SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder collects the functions that AddToScheme calls.
	SchemeBuilder = runtime.NewSchemeBuilder(
		addKnownTypes, RegisterDefaults, addFieldLabelConversion, addParameterConversion)

	// AddToScheme registers the types of this package in a scheme, with their
	// defaults and with the fields that they can be selected by.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Kind qualifies a kind of this group, such as "Session".
func Kind(kind string) schema.GroupKind {
	return SchemeGroupVersion.WithKind(kind).GroupKind()
}

// Resource qualifies a resource of this group, such as "sessions".
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

// AddInternalToScheme registers the same Go types once more, as the group's
// internal version. An API server decodes into that version and stores from it;
// because the types are the same, neither needs a conversion or a copy.
//
// A scheme registered this way lists two kinds for each type. OpenAPI definitions must
// be named by another scheme, with AddToScheme alone: the internal version isn't served.
func AddInternalToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(schema.GroupVersion{Group: GroupName, Version: runtime.APIVersionInternal}, kinds()...)
	return nil
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion, kinds()...)
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}

// kinds are Session and the kinds of its subresources, what people look at and press, and what runs Sessions.
func kinds() []runtime.Object {
	return []runtime.Object{
		&Session{}, &SessionList{},
		&SessionTrigger{}, &SessionEnable{}, &SessionDisable{}, &SessionArgs{}, &SessionLogOptions{},
		&UIResource{}, &UIResourceList{}, &UIButton{}, &UIButtonList{},
		&Runner{}, &RunnerList{},
	}
}

// SetDefaults_SessionStatus makes an absent or null list of targets an empty
// one, so that it is never null in what a server stores and answers.
func SetDefaults_SessionStatus(status *SessionStatus) {
	if status.Targets == nil {
		status.Targets = []Target{}
	}
}

// SetDefaults_Target makes an absent or null list of resources an empty one.
func SetDefaults_Target(target *Target) {
	if target.Resources == nil {
		target.Resources = []string{}
	}
}

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
	check := func(label, value string) (string, string, error) {
		if _, ok := SelectableFields(&Session{})[label]; !ok {
			return "", "", fmt.Errorf("%q is not a field that Sessions can be selected by: use %s, %s, %s or %s",
				label, FieldName, FieldExitCondition, FieldTiltfilePath, FieldDone)
		}
		return label, value, nil
	}
	return scheme.AddFieldLabelConversionFunc(SchemeGroupVersion.WithKind("Session"), check)
}

// addParameterConversion lets a server read SessionLogOptions from a query.
func addParameterConversion(scheme *runtime.Scheme) error {
	return scheme.AddConversionFunc((*url.Values)(nil), (*SessionLogOptions)(nil),
		func(from, to any, scope conversion.Scope) error {
			return convertLogOptions(*from.(*url.Values), to.(*SessionLogOptions), scope)
		})
}

// convertLogOptions sets each option whose parameter is present. As everywhere in the
// API a boolean parameter is true unless it is "false" or "0", and the first of several
// values counts.
func convertLogOptions(from url.Values, to *SessionLogOptions, scope conversion.Scope) error {
	to.Resources = from["resources"]
	for _, parameter := range []struct {
		name    string
		convert func(values []string) error
	}{
		{"follow", func(v []string) error { return runtime.Convert_Slice_string_To_bool(&v, &to.Follow, scope) }},
		{"sinceSeconds", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.SinceSeconds, scope)
		}},
		{"sinceTime", func(v []string) error {
			return metav1.Convert_Slice_string_To_Pointer_v1_Time(&v, &to.SinceTime, scope)
		}},
		{"tailLines", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.TailLines, scope)
		}},
		{"sinceSeq", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.SinceSeq, scope)
		}},
		{"beforeSeq", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.BeforeSeq, scope)
		}},
		{"limitLines", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.LimitLines, scope)
		}},
		{"grep", func(v []string) error { return runtime.Convert_Slice_string_To_string(&v, &to.Grep, scope) }},
		{"level", func(v []string) error {
			return runtime.Convert_Slice_string_To_string(&v, (*string)(&to.Level), scope)
		}},
		{"limitBytes", func(v []string) error {
			return runtime.Convert_Slice_string_To_Pointer_int64(&v, &to.LimitBytes, scope)
		}},
		{"timestamps", func(v []string) error { return runtime.Convert_Slice_string_To_bool(&v, &to.Timestamps, scope) }},
		{"format", func(v []string) error { return runtime.Convert_Slice_string_To_string(&v, &to.Format, scope) }},
	} {
		if values := from[parameter.name]; len(values) > 0 {
			if err := parameter.convert(values); err != nil {
				return fmt.Errorf("parameter %s: %w", parameter.name, err)
			}
		}
	}
	return nil
}

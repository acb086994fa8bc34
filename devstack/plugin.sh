#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# plugin.sh - dispatches DevStack's phases; what they do is in lib/
# shellcheck source-path=SCRIPTDIR

# Save trace setting
_XTRACE_KVM_INSIGHT=$(set +o | grep xtrace)
set +o xtrace

KVM_INSIGHT_PLUGIN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/account
source "$KVM_INSIGHT_PLUGIN/lib/account"
# shellcheck source=lib/api
source "$KVM_INSIGHT_PLUGIN/lib/api"
# shellcheck source=lib/broker
source "$KVM_INSIGHT_PLUGIN/lib/broker"
# shellcheck source=lib/database
source "$KVM_INSIGHT_PLUGIN/lib/database"
# shellcheck source=lib/service
source "$KVM_INSIGHT_PLUGIN/lib/service"

case "$1/$2" in
    stack/pre-install)
        echo_summary "Installing what kvm_insight needs of the system"
        install_kvm_insight_packages
        ;;
    stack/install)
        echo_summary "Installing kvm_insight"
        install_kvm_insight
        install_kvm_insight_broker
        ;;
    stack/post-config)
        echo_summary "Configuring kvm_insight"
        configure_kvm_insight
        configure_kvm_insight_broker
        create_kvm_insight_account
        ;;
    stack/extra)
        echo_summary "Starting kvm_insight"
        start_kvm_insight_broker
        create_kvm_insight_topics
        create_kvm_insight_tables
        start_kvm_insight
        ;;
    unstack/*)
        stop_kvm_insight
        clear_kvm_insight_marks
        stop_kvm_insight_broker
        delete_kvm_insight_account
        ;;
    clean/*)
        cleanup_kvm_insight_broker
        cleanup_kvm_insight
        ;;
esac

# Restore xtrace
$_XTRACE_KVM_INSIGHT

# SPDX-License-Identifier: Apache-2.0
"""Commands of ``openstack insight``; this room knows only the REST API.

It runs inside the operator's ``openstack``: nothing here needs anything else
of kvm_insight, nor what the services need.
"""

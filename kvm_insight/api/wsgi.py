# SPDX-License-Identifier: Apache-2.0
"""WSGI: ``application``, for any server that wants a module.

It reads the configuration where oslo.config looks, and logs to standard
error. Without Keystone the server itself has to listen on loopback alone.
"""

import contextlib
import logging

from kvm_insight import conf
from kvm_insight.api import assembly
from kvm_insight.conf import log

_LOADED = conf.load(None)
logging.basicConfig(format='%(asctime)s %(levelname)s %(name)s: %(message)s')
logging.getLogger().setLevel(_LOADED[log.GROUP].level)
#: What is open for as long as the process lives.
_STACK = contextlib.ExitStack()

application = _STACK.enter_context(assembly.opened(_LOADED)).wsgi

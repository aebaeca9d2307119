"""The demo's page: open issues on simulated hosts, inject faults, follow the jobs."""

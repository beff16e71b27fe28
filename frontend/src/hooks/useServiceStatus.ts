/** The node and its services, as `/api/status` tells, looked at every few seconds. */
import { useQuery } from '@tanstack/react-query';

import { api, type NodeStatus } from '../services/api.ts';

export interface ServiceStatusView {
  status: NodeStatus | null;
  loading: boolean;
  /** The node did not answer the last time; `status` is what it said before. */
  unreachable: boolean;
  refresh(): void;
}

export function useServiceStatus(intervalMs = 5000): ServiceStatusView {
  const query = useQuery({ queryKey: ['status'], queryFn: api.status, refetchInterval: intervalMs, retry: false });
  return {
    status: query.data ?? null,
    loading: query.isPending,
    unreachable: query.isError,
    refresh: () => void query.refetch(),
  };
}

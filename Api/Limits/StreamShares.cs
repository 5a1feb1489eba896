using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Limits;

/// <summary>How many event streams each token has open on this node, so that one does not hold them all. Any thread; bounded by the gate of the streams.</summary>
public sealed class StreamShares(IOptions<LimitsOptions> options)
{
    private readonly ConcurrentDictionary<string, int> _open = new(StringComparer.Ordinal);

    /// <summary>An eighth of <see cref="LimitsOptions.AdminStreams"/>, and one at least.</summary>
    public int MostForEach => Math.Max(1, options.Value.AdminStreams / 8);

    /// <summary>Null: the token has as many open as it may. Else to be disposed when the stream ends.</summary>
    public IDisposable? TryBegin(string tokenId)
    {
        var count = _open.AddOrUpdate(tokenId, 1, static (_, before) => before + 1);
        var begun = new Begun(this, tokenId);
        if (count <= MostForEach) return begun;
        begun.Dispose();
        return null;
    }

    private void End(string tokenId)
    {
        while (_open.TryGetValue(tokenId, out var count))
        {
            if (count > 1 ? _open.TryUpdate(tokenId, count - 1, count) : _open.TryRemove(new KeyValuePair<string, int>(tokenId, count))) return;
        }
    }

    private sealed class Begun(StreamShares shares, string tokenId) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0) shares.End(tokenId);
        }
    }
}

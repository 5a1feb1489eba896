using System.Collections.Concurrent;

namespace FleetMdm.Api.CheckIn;

/// <summary>How many large messages each certificate has under way. Any thread; bounded by the gate that large messages come in by.</summary>
public sealed class LargeSenders
{
    /// <summary>An iPad sends one message at a time. After a broken connection the one before may not be given up yet.</summary>
    private const int MostForEach = 2;

    private readonly ConcurrentDictionary<string, int> _underWay = new(StringComparer.Ordinal);

    /// <summary>Null: it has as many under way as it may. Else to be disposed when the message is done.</summary>
    public IDisposable? TryBegin(byte[] certificate)
    {
        var key = Convert.ToHexString(certificate);
        var count = _underWay.AddOrUpdate(key, 1, static (_, before) => before + 1);
        var begun = new Begun(this, key);
        if (count <= MostForEach) return begun;
        begun.Dispose();
        return null;
    }

    private void End(string key)
    {
        while (_underWay.TryGetValue(key, out var count))
        {
            if (count > 1 ? _underWay.TryUpdate(key, count - 1, count) : _underWay.TryRemove(new KeyValuePair<string, int>(key, count))) return;
        }
    }

    private sealed class Begun(LargeSenders senders, string key) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0) senders.End(key);
        }
    }
}

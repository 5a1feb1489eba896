using Microsoft.Extensions.Caching.Memory;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>Small bodies in memory, by content hash; what has not been asked for longest leaves first.</summary>
/// <remarks>Safe from any thread. Bodies never change, so a cached one is never stale.</remarks>
internal sealed class BodyCache : IDisposable
{
    /// <summary>A district sends few different commands at a time; most are below one kilobyte.</summary>
    public const int TotalBytes = 32 * 1024 * 1024;

    /// <summary>Larger ones would push too many others out.</summary>
    public const int LargestBody = 64 * 1024;

    private const int EntryBytes = 200;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = TotalBytes });

    public bool TryGet(BodyKey key, out byte[]? body) => _cache.TryGetValue(key, out body);

    public void Add(BodyKey key, byte[] body)
    {
        if (body.Length <= LargestBody)
            _cache.Set(key, body, new MemoryCacheEntryOptions { Size = EntryBytes + body.Length });
    }

    public void Dispose() => _cache.Dispose();
}

using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Access;

/// <summary>The token that the first administrator begins with.</summary>
public static class FirstToken
{
    public const string FileName = "admin-token";

    /// <summary>
    /// Makes the first token if no administrator's token works: at the first start, and when all have expired. It is written to
    /// <c>admin-token</c> in the data directory, readable by its owner only. The file is written before the token is made: a server that dies in
    /// between has not lost its only key.
    /// </summary>
    /// <returns>The token when it was made now; null when one works.</returns>
    public static async Task<string?> Ensure(IGrainFactory grains, string dataDirectory, TimeProvider? time = null)
    {
        var access = grains.GetGrain<IAccessGrain>(IAccessGrain.Key);
        var now = (time ?? TimeProvider.System).GetUtcNow();
        if ((await access.List()).Any(token => token.Role == AccessRole.Administrator && token.RevokedAt is null && !(token.ExpiresAt <= now)))
            return null;

        Directory.CreateDirectory(dataDirectory);
        var path = Path.Combine(dataDirectory, FileName);
        // Of a server that died before it made the token. One that has worked and is spent is refused.
        var written = File.Exists(path) ? (await File.ReadAllTextAsync(path)).Trim() : "";
        if (ApiToken.LooksRight(written) && await access.EnsureFirstToken(ApiToken.Hash(written))) return written;

        var token = ApiToken.Create();
        await WriteForOwnerOnly(path, token);
        if (await access.EnsureFirstToken(ApiToken.Hash(token))) return token;

        // Another node was faster, and its data directory holds the token.
        File.Delete(path);
        return null;
    }

    private static Task WriteForOwnerOnly(string path, string token)
    {
        File.Delete(path);
        return TokenFile.Write(path, token);
    }
}

/// <summary>A file that holds a token, and that its owner alone may read.</summary>
internal static class TokenFile
{
    /// <summary>On disk when it returns.</summary>
    /// <exception cref="IOException">There is such a file, or no such folder.</exception>
    public static async Task Write(string path, string token)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = new FileStream(path, options);
        await using var writer = new StreamWriter(file);
        await writer.WriteLineAsync(token);
        await writer.FlushAsync();
        file.Flush(flushToDisk: true);
    }
}

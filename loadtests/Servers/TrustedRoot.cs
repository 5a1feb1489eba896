namespace FleetMdm.LoadTests.Servers;

/// <summary>A file with the root of a simulated service, for a server that is to trust it.</summary>
internal sealed class TrustedRoot : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-load-root-").FullName;
    private readonly Func<Task> _delete;

    private TrustedRoot() => _delete = Leftovers.Add(() =>
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    });

    public string File => Path.Combine(_folder, "root.pem");

    public static async Task<TrustedRoot> Write(string pem)
    {
        var root = new TrustedRoot();
        await System.IO.File.WriteAllTextAsync(root.File, pem);
        return root;
    }

    public async ValueTask DisposeAsync() => await _delete();
}

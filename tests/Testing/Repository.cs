namespace FleetMdm.Testing;

/// <summary>Files of the repository that the tests run in.</summary>
public static class Repository
{
    private const string Mark = "FleetMdm.sln";

    public static string Root { get; } = Find();

    public static string File(params ReadOnlySpan<string> path) => Path.Combine([Root, .. path]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(folder.FullName, Mark))) return folder.FullName;
        }

        throw new InvalidOperationException($"{Mark} was not found above {AppContext.BaseDirectory}.");
    }
}

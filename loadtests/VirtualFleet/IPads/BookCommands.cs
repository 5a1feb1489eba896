using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>A book that the management installed.</summary>
internal sealed record Book(long? StoreId, string? PersistentId)
{
    public string? Url { get; init; }
    public string? Kind { get; init; }
    public string? Version { get; init; }
    public string? Author { get; init; }
    public string? Title { get; init; }
}

internal static class BookCommands
{
    public static IPadReport Install(CommandRun run)
    {
        var (storeId, url) = (run.Command.Integer("iTunesStoreID"), run.Command.Text("MediaURL"));
        if (run.Command.Text("MediaType") is not { } type || (storeId is null) == (url is null))
            return run.FormatError();
        if (type != "Book")
            return run.Error([AppleErrors.BadMediaType], ("MediaType", type), ("RejectionReason", "WrongMediaType"));
        if (storeId is <= 0)
            return run.Error([AppleErrors.BadStoreId], ("iTunesStoreID", storeId.Value), ("RejectionReason", "CouldNotVerifyITunesStoreID"));
        var book = new Book(storeId, run.Command.Text("PersistentID") ?? url)
        {
            Url = url,
            Kind = run.Command.Text("Kind"),
            Version = run.Command.Text("Version"),
            Author = run.Command.Text("Author"),
            Title = run.Command.Text("Title"),
        };
        var books = run.IPad.State.Books;
        books.RemoveAll(known => Same(known, book.StoreId, book.PersistentId));
        books.Add(book);
        return run.Acknowledged([("MediaType", type), ("State", "Installed"), .. Names(book)]);
    }

    public static IPadReport Managed(CommandRun run) => run.Acknowledged(("Books", run.IPad.State.Books.Select(book =>
    {
        var entry = new PlistDict { ["State"] = "Installed" };
        foreach (var (key, value) in (ReadOnlySpan<(string, object?)>)
            [("iTunesStoreID", book.StoreId), ("PersistentID", book.PersistentId), ("Kind", book.Kind), ("Version", book.Version), ("Author", book.Author), ("Title", book.Title)])
        {
            if (value is not null)
                entry[key] = value;
        }
        return (object)entry;
    }).ToList()));

    public static IPadReport Remove(CommandRun run)
    {
        var (storeId, persistentId) = (run.Command.Integer("iTunesStoreID"), run.Command.Text("PersistentID"));
        if (run.Command.Text("MediaType") is null || (storeId is null && persistentId is null))
            return run.FormatError();
        return run.IPad.State.Books.RemoveAll(book => Same(book, storeId, persistentId)) > 0 ? run.Acknowledged() : run.Error(AppleErrors.NoMedia);
    }

    private static bool Same(Book book, long? storeId, string? persistentId) =>
        (storeId is not null && book.StoreId == storeId) || (persistentId is not null && book.PersistentId == persistentId);

    private static IEnumerable<(string, object)> Names(Book book)
    {
        if (book.StoreId is { } storeId)
            yield return ("iTunesStoreID", storeId);
        if (book.Url is { } url)
            yield return ("MediaURL", url);
        if (book.PersistentId is { } persistentId)
            yield return ("PersistentID", persistentId);
    }
}

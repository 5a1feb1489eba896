namespace FleetMdm.Storage.AppsAndBooks;

/// <summary>Why an app waits, where statements write it for many iPads.</summary>
public static class ContentWords
{
    public const string Wanted = "It waits for its licence of Apps and Books.";
    /// <summary>So it begins.</summary>
    public const string NoneLeft = "No licence is left";
    public const string Asked = "Apple gives the licence.";
}

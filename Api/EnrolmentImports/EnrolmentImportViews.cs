namespace FleetMdm.Api.EnrolmentImports;

/// <summary>What became of a file of enrolments.</summary>
public sealed record EnrolmentImportView
{
    /// <summary>Nothing was written.</summary>
    public required bool DryRun { get; init; }
    /// <summary>Lines that are not empty.</summary>
    public required int Read { get; init; }
    /// <summary>iPads that are enrolled here from now on; of a dry run: that would be.</summary>
    public required int Imported { get; init; }
    /// <summary>iPads that were imported before.</summary>
    public required int Standing { get; init; }
    public required int Refused { get; init; }
    /// <summary>When the first of their identity certificates ends. Such an iPad has to enrol anew before. Null: there is none.</summary>
    public DateTimeOffset? FirstCertificateEndsAt { get; init; }
    /// <summary>Lines that were taken, and that somebody should look at. By line; the first 1,000.</summary>
    public required IReadOnlyList<EnrolmentImportWarning> Warnings { get; init; }
    /// <summary>By line; the first 1,000.</summary>
    public required IReadOnlyList<EnrolmentImportRefusal> Refusals { get; init; }
}

/// <summary>A line that was taken.</summary>
/// <param name="Line">Of the file; the first is 1.</param>
/// <param name="Id">Of the enrolment.</param>
/// <param name="Message">What is odd about it, and what to do.</param>
public sealed record EnrolmentImportWarning(int Line, string Id, string SerialNumber, string Message);

/// <summary>A line that was not taken.</summary>
/// <param name="Line">Of the file; the first is 1.</param>
/// <param name="Id">Of the enrolment; null: it could not be read.</param>
/// <param name="SerialNumber">Null: it does not say.</param>
/// <param name="Reason">Why, and what to do.</param>
public sealed record EnrolmentImportRefusal(int Line, string? Id, string? SerialNumber, string Reason);

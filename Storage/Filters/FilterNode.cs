namespace FleetMdm.Storage.Filters;

/// <summary>A filter over iPads as it was written: conditions, and how they are joined. Immutable.</summary>
public abstract record FilterNode;

public sealed record FilterAnd(FilterNode Left, FilterNode Right) : FilterNode;

public sealed record FilterOr(FilterNode Left, FilterNode Right) : FilterNode;

public sealed record FilterNot(FilterNode Inner) : FilterNode;

/// <param name="Value">Of the kind that the field has.</param>
public sealed record FilterCondition(FilterField Field, FilterOperator Operator, FilterValue Value) : FilterNode;

public enum FilterOperator
{
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

public abstract record FilterValue;

/// <summary>A name, an identifier, a word out of a list.</summary>
public sealed record FilterText(string Text) : FilterValue;

/// <summary>Percent, or GB.</summary>
public sealed record FilterNumber(double Number) : FilterValue;

/// <summary>A version: one to four numbers. 17 stands for all of 17, 17.5 for all of 17.5.</summary>
public sealed record FilterVersion(string Text) : FilterValue;

/// <summary>So long ago, or so long from now.</summary>
public sealed record FilterAge(TimeSpan Age) : FilterValue;

public sealed record FilterFlag(bool Flag) : FilterValue;

/// <summary>What can be asked of an iPad. See <see cref="FilterFields"/>.</summary>
public enum FilterField
{
    Os,
    Model,
    Name,
    Serial,
    School,
    Status,
    Kind,
    Supervised,
    Battery,
    Storage,
    StorageFree,
    LastSeen,
    HasApp,
    MissingApp,
    HasProfile,
    MissingProfile,
    PasscodeCompliant,
    CertificateExpires,
}

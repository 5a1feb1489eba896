namespace FleetMdm.Storage.Filters;

/// <summary>A filter over iPads as it was written: conditions, and how they are joined. Immutable.</summary>
public abstract record FilterNode;

public static class FilterNodes
{
    /// <summary>What it joins, from left to right: conditions, and those that were chosen by hand.</summary>
    public static IEnumerable<FilterNode> Leaves(this FilterNode node) => node switch
    {
        FilterAnd and => and.Left.Leaves().Concat(and.Right.Leaves()),
        FilterOr or => or.Left.Leaves().Concat(or.Right.Leaves()),
        FilterNot not => not.Inner.Leaves(),
        _ => [node],
    };
}

public sealed record FilterAnd(FilterNode Left, FilterNode Right) : FilterNode;

public sealed record FilterOr(FilterNode Left, FilterNode Right) : FilterNode;

public sealed record FilterNot(FilterNode Inner) : FilterNode;

/// <param name="Value">Of the kind that the field has.</param>
public sealed record FilterCondition(FilterField Field, FilterOperator Operator, FilterValue Value) : FilterNode;

/// <summary>Those that were chosen by hand for a group: what stands in the place of its name. Nobody writes it.</summary>
/// <param name="GroupId">Whose.</param>
internal sealed record FilterMembers(string GroupId) : FilterNode;

/// <summary>No iPad at all, under a <c>not</c> too. Nobody writes it.</summary>
internal sealed record FilterNothing : FilterNode;

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
    Group,
    Person,
    Assigned,
    Overdue,
    PersonLeft,
    Incident,
    Campaign,
    Collected,
    Lost,
}

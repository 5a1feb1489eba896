using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.SetUp;

/// <summary>What a room says of its part of the way until a new iPad is ready by itself. The room adds itself to the services; the list asks all.</summary>
/// <remarks>Asked with each view of the list: counts and first rows, never a table from end to end.</remarks>
internal interface ISetUp
{
    /// <returns>Nothing, when the reader may not see it.</returns>
    Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader);
}

/// <summary>A step of the way, with how far it has been gone. It is worked out of what is there: nobody ticks it off.</summary>
public sealed record SetUpStep
{
    /// <summary>From the first to the last, in the order in which it goes best.</summary>
    internal int Order { get; init; }
    public required string Id { get; init; }
    public required string Title { get; init; }
    /// <summary>done; toDo: no new iPad is ready by itself without it; look: it is done, and something of it is not well; optional: not done, and not every district wants it.</summary>
    [OneOf("done", "toDo", "look", "optional")]
    public required string State { get; init; }
    /// <summary>What is there, or what is missing and what to do.</summary>
    public required string Detail { get; init; }
    /// <summary>Of the page that does it. Null: it is done outside of the console.</summary>
    public string? Path { get; init; }

    internal const string Done = "done", ToDo = "toDo", Look = "look", Optional = "optional";

    internal bool IsMissing => State is ToDo or Look;
}

/// <summary>What is still missing until a new iPad is ready by itself.</summary>
/// <param name="Missing">How many steps are to do, or to be looked at.</param>
/// <param name="Steps">In the order in which it goes best.</param>
public sealed record SetUpView(int Missing, IReadOnlyList<SetUpStep> Steps);

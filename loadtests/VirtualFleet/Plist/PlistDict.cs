namespace FleetMdm.VirtualFleet.Plist;

/// <summary>
/// A property list's dictionary, in the order it was written. Values are string, long, double, bool, byte[],
/// <see cref="DateTimeOffset"/>, <see cref="PlistDict"/> or <see cref="List{Object}"/>.
/// </summary>
/// <remarks>The getters return null when the key is absent or its value is of another type.</remarks>
public sealed class PlistDict : Dictionary<string, object>
{
    public PlistDict() : base(StringComparer.Ordinal)
    {
    }

    public string? Text(string key) => this.GetValueOrDefault(key) as string;

    public long? Integer(string key) => this.GetValueOrDefault(key) as long?;

    public bool? Flag(string key) => this.GetValueOrDefault(key) as bool?;

    public byte[]? Data(string key) => this.GetValueOrDefault(key) as byte[];

    public PlistDict? Dict(string key) => this.GetValueOrDefault(key) as PlistDict;

    public List<object>? Array(string key) => this.GetValueOrDefault(key) as List<object>;
}

/// <summary>The text is not a property list that an iPad would take.</summary>
public sealed class PlistException(string message, Exception? inner = null) : Exception(message, inner);

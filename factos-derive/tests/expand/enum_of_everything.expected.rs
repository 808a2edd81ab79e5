const _ : () = {
    type __Field0 = CourseId;
    const _ : () = {
        :: factos :: __private :: stored_field :: < CourseId > ();
    }
    ;
    type __Field1 = Note;
    const _ : () = {
        :: factos :: __private :: stored_field :: < Note > ();
        use :: factos :: __private :: NoEvent as _;
        :: factos :: __private :: assert_no_event (:: factos :: __private :: IsEvent :: < Note > :: IS_EVENT);
    }
    ;
    struct __FactosWrite;
    impl __FactosWrite where for < '__f > __Field0 : :: factos :: __private :: WrittenField < '__f >,
    for < '__f > __Field1 : :: factos :: __private :: WrittenField < '__f >,
     {
        fn serialize < __S : :: factos :: __private :: serde :: Serializer > (__local_event : & Course , __local_serializer : __S ,) -> :: core :: result :: Result < __S :: Ok,
        __S :: Error > {
            match __local_event {
                Course :: Defined {
                    course : __local_0,
                    seats : __local_1,
                }
                => {
                    let mut __local_fields = :: factos :: __private :: serde :: Serializer :: serialize_struct (__local_serializer , "__FactosWrite" , 2usize) ?;
                    :: factos :: __private :: serde :: ser :: SerializeStruct :: serialize_field (& mut __local_fields , "course" , __local_0) ?;
                    :: factos :: __private :: serde :: ser :: SerializeStruct :: serialize_field (& mut __local_fields , "seats" , __local_1) ?;
                    :: factos :: __private :: serde :: ser :: SerializeStruct :: end (__local_fields)
                }
                Course :: Noted (__local_0) => :: factos :: __private :: serde :: Serialize :: serialize (__local_0 , __local_serializer),
                Course :: Closed { } => {
                    let __local_fields = :: factos :: __private :: serde :: Serializer :: serialize_struct (__local_serializer , "__FactosWrite" , 0usize) ?;
                    :: factos :: __private :: serde :: ser :: SerializeStruct :: end (__local_fields)
                }
                _ => :: core :: result :: Result :: Err (:: factos :: __private :: serde :: ser :: Error :: custom ("a nested event")),
            }
        }
    }
    impl :: factos :: __private :: NoSerdeProxy < Course > for __FactosWrite { } # [derive (:: factos :: __private :: serde :: Deserialize)] # [serde (crate = ":: factos::__private::serde" , remote = "Course")] # [serde (bound (deserialize = "__Field0: :: factos::__private::serde::Deserialize<'de>,__Field1: :: factos::__private::serde::Deserialize<'de>,"))] enum __FactosRead {
        Defined {
            course : CourseId,
            # [serde (default)] seats : u32,
        }
        ,
        Noted (Note),
        Closed { },
        # [serde (skip)] Billing (Billing),
    }
    impl :: factos :: __private :: NoSerdeProxy < Course > for __FactosRead { } # [automatically_derived] impl :: factos :: __private :: SerdePayload for Course {
        type Codec = :: factos :: __private :: Codec;
        const EQUAL : :: factos :: __private :: Equality < Self > = {
            use :: factos :: __private :: NoEqual as _;
            :: factos :: __private :: Equal :: < Self > :: FUNCTION
        }
        ;
        fn write < __S : :: factos :: __private :: serde :: Serializer > (& self , serializer : __S ,) -> :: core :: result :: Result < __S :: Ok,
        __S :: Error > {
            use :: factos :: __private :: NoSerdeProxy as _;
            __FactosWrite :: serialize (self , serializer)
        }
        fn read < 'de,
        __D : :: factos :: __private :: serde :: Deserializer < 'de >> (variant : :: core :: primitive :: u32 , deserializer : __D ,) -> :: core :: result :: Result < Self,
        __D :: Error > {
            use :: factos :: __private :: NoSerdeProxy as _;
            let _ = variant;
            __FactosRead :: deserialize (:: factos :: __private :: AsVariant :: new (variant , "Course" , deserializer))
        }
    }
    const __PARTS : & [& [:: factos :: TypeInfo]] = & [& [:: factos :: TypeInfo :: with_fields (:: factos :: TypeInfo :: with_tag_keys (:: factos :: TypeInfo :: with_since (:: factos :: TypeInfo :: with_aliases (:: factos :: TypeInfo :: new ("school.defined" , 4u32 , :: core :: concat ! (:: core :: module_path ! () , "::Course::Defined") ,) , & ["Created"]) , 1u32) , & ["course" , "seats"]) , "course: CourseId, #[serde(default)] seats: u32") , :: factos :: TypeInfo :: with_fields (:: factos :: TypeInfo :: new ("noted" , 1u32 , :: core :: concat ! (:: core :: module_path ! () , "::Course::Noted") ,) , "(Note)") , :: factos :: TypeInfo :: new ("school.closed" , 1u32 , :: core :: concat ! (:: core :: module_path ! () , "::Course::Closed") ,)] , < Billing as :: factos :: Event > :: SCHEMA . types];
    const __TYPES : & [:: factos :: TypeInfo] = & :: factos :: __private :: concat :: < {
        :: factos :: __private :: count (__PARTS)
    }
    ,
    _ > (__PARTS , :: factos :: TypeInfo :: new ("" , 0 , "") ,);
    const __KEY_PARTS : & [& [:: factos :: __private :: TagKey]] = & [& [:: factos :: __private :: TagKey :: new ("course" , < < CourseId as :: factos :: TagValue > :: Item as :: factos :: TagItem > :: TYPE , :: core :: concat ! (:: core :: module_path ! () , "::Course")) , :: factos :: __private :: TagKey :: new ("seats" , "" , :: core :: concat ! (:: core :: module_path ! () , "::Course"))] , :: factos :: Schema :: keys (< Billing as :: factos :: Event > :: SCHEMA)];
    const __KEYS : & [:: factos :: __private :: TagKey] = & :: factos :: __private :: concat :: < {
        :: factos :: __private :: count (__KEY_PARTS)
    }
    ,
    _ > (__KEY_PARTS , :: factos :: __private :: TagKey :: EMPTY ,);
    fn __upcast0 (__local_version : :: core :: primitive :: u32 , __local_payload : & [:: core :: primitive :: u8] ,) -> :: core :: result :: Result < Course,
    :: factos :: Undecodable > {
        let (__local_variant , __local_since , __local_known) = (0u32 , 1u32 , 4u32);
        let mut __local_json = :: factos :: __private :: JsonSteps :: new (__local_version , __local_payload);
        :: factos :: __private :: JsonSteps :: step (& mut __local_json , 1u32 , one) ?;
        let (__local_version , __local_payload) = :: factos :: __private :: JsonSteps :: finish (__local_json) ?;
        let __local_payload : & [:: core :: primitive :: u8] = & __local_payload;
        let __local_old = :: core :: option :: Option :: None;
        let __local_old = match __local_old {
            :: core :: option :: Option :: None if __local_version == 2u32 => {
                :: core :: option :: Option :: Some (:: factos :: __private :: read :: < Course , _ > (__local_payload) ?)
            }
            __local_old => __local_old,
        }
        ;
        let __local_old = match __local_old {
            :: core :: option :: Option :: Some (__local_old) => {
                let __local_next = two (__local_old);
                :: core :: option :: Option :: Some (__local_next)
            }
            :: core :: option :: Option :: None => :: core :: option :: Option :: None,
        }
        ;
        let __local_old = match __local_old {
            :: core :: option :: Option :: None if __local_version == 3u32 => {
                :: core :: option :: Option :: Some (:: factos :: __private :: read :: < Course , _ > (__local_payload) ?)
            }
            __local_old => __local_old,
        }
        ;
        match __local_old {
            :: core :: option :: Option :: Some (__local_old) => {
                let __local_event = match :: factos :: __private :: result_of (three (__local_old)) {
                    :: core :: result :: Result :: Ok (__local_next) => __local_next,
                    :: core :: result :: Result :: Err (__local_error) => {
                        return :: core :: result :: Result :: Err (:: factos :: __private :: refused (3u32 , __local_error));
                    }
                }
                ;
                :: core :: result :: Result :: Ok (:: factos :: __private :: event_of :: < Course , _ > (__local_event))
            }
            :: core :: option :: Option :: None => :: factos :: __private :: decode :: < Course > (__local_variant , __local_since , __local_known , __local_version , __local_payload ,),
        }
    }
    # [automatically_derived] impl :: factos :: Event for Course {
        const SCHEMA : & 'static :: factos :: Schema = & :: factos :: Schema :: with_keys (:: factos :: Schema :: new (__TYPES) , __KEYS);
        fn event_type (& self) -> :: factos :: EventType {
            :: factos :: __private :: event_type (match self { Self :: Defined { .. } => "school.defined" , Self :: Noted { .. } => "noted" , Self :: Closed { .. } => "school.closed" , Self :: Billing (__local_inner) => return < Billing as :: factos :: Event > :: event_type (__local_inner) , })
        }
        fn version (& self) -> :: core :: primitive :: u32 {
            match self {
                Self :: Defined { .. } => 4u32,
                Self :: Noted { .. } => 1u32,
                Self :: Closed { .. } => 1u32,
                Self :: Billing (__local_inner) => return < Billing as :: factos :: Event > :: version (__local_inner),
            }
        }
        fn tags (& self) -> :: core :: result :: Result < :: factos :: Tags,
        :: factos :: EncodeError > {
            let mut __local_tags = :: factos :: __private :: TagWriter :: new ();
            match self {
                Self :: Defined {
                    course : __local_field0,
                    seats : __local_field1,
                }
                => {
                    < CourseId as :: factos :: TagValue > :: each (__local_field0 , & mut :: factos :: __private :: TagWriter :: under (& mut __local_tags , "course"));
                    :: factos :: __private :: each_displayed :: < u32 > (__local_field1 , & mut :: factos :: __private :: TagWriter :: under (& mut __local_tags , "seats"));
                }
                Self :: Noted {
                    0 : __local_field0,
                }
                => {
                    :: factos :: __private :: TagWriter :: extend (& mut __local_tags , { use :: factos :: __private :: { ByCoercion as _ , ByValue as _ } ; let __local_function = note_tags ; __local_function ((& :: factos :: __private :: TagFunction :: new (& __local_function , __local_field0)) . __tag_argument ()) });
                }
                Self :: Closed { .. } => { } Self :: Billing (__local_inner) => return < Billing as :: factos :: Event > :: tags (__local_inner),
            }
            :: factos :: __private :: TagWriter :: finish (__local_tags , || :: factos :: Event :: event_type (self))
        }
        fn encode (& self) -> :: core :: result :: Result < :: factos :: Bytes,
        :: factos :: EncodeError > {
            let __local_variant = match self {
                Self :: Defined { .. } => 0u32,
                Self :: Noted { .. } => 1u32,
                Self :: Closed { .. } => 2u32,
                Self :: Billing (__local_inner) => return < Billing as :: factos :: Event > :: encode (__local_inner),
            }
            ;
            :: factos :: __private :: encode :: < Self > (__local_variant , self)
        }
        fn decode (__local_event_type : & :: factos :: EventType , __local_version : :: core :: primitive :: u32 , __local_payload : & [:: core :: primitive :: u8] ,) -> :: core :: result :: Result < Self,
        :: factos :: Undecodable > {
            let (__local_variant , __local_since , __local_known) = match :: factos :: EventType :: as_str (__local_event_type) {
                "school.defined" | "Created" => return __upcast0 (__local_version , __local_payload),
                "noted" => (1u32 , 1u32 , 1u32),
                "school.closed" => (2u32 , 1u32 , 1u32),
                _ => return match < Billing as :: factos :: Event > :: decode (__local_event_type , __local_version , __local_payload) {
                    :: core :: result :: Result :: Ok (__local_inner) => {
                        :: core :: result :: Result :: Ok (Self :: Billing (__local_inner))
                    }
                    :: core :: result :: Result :: Err (:: factos :: Undecodable :: UnknownType) => :: core :: result :: Result :: Err (:: factos :: Undecodable :: UnknownType),
                    :: core :: result :: Result :: Err (__local_error) => :: core :: result :: Result :: Err (__local_error),
                }
                ,
            }
            ;
            :: factos :: __private :: decode :: < Course > (__local_variant , __local_since , __local_known , __local_version , __local_payload ,)
        }
        fn codec (__local_event_type : & :: factos :: EventType) -> & 'static :: core :: primitive :: str {
            if :: core :: matches ! (:: factos :: EventType :: as_str (__local_event_type) , "school.defined" | "Created" | "noted" | "school.closed") {
                return :: factos :: __private :: codec :: < Self > ();
            }
            if :: factos :: __private :: knows (< Billing as :: factos :: Event > :: SCHEMA , __local_event_type) {
                return < Billing as :: factos :: Event > :: codec (__local_event_type);
            }
            :: factos :: __private :: codec :: < Self > ()
        }
    }
    const _ : () = {
        :: factos :: __private :: assert_distinct :: < {
            :: factos :: __private :: names (__TYPES)
        }
        ,
        > (__TYPES , false);
        :: factos :: __private :: assert_one_value_type (__KEYS);
    }
    ;
    # [automatically_derived] impl :: factos :: EventKind for __CourseKind_59434f63 :: CourseKind {
        type Event = Course;
        fn types (self) -> & 'static [:: factos :: TypeInfo] {
            match self {
                Self :: Defined => :: factos :: __private :: type_at (< Course as :: factos :: Event > :: SCHEMA , 0usize ,),
                Self :: Noted => :: factos :: __private :: type_at (< Course as :: factos :: Event > :: SCHEMA , 1usize ,),
                Self :: Closed => :: factos :: __private :: type_at (< Course as :: factos :: Event > :: SCHEMA , 2usize ,),
                Self :: Billing => < Billing as :: factos :: Event > :: SCHEMA . types,
            }
        }
    }
}
;
mod __CourseQuery_59434f63 {
    # [doc = "A query of [`Course`](super::Course) events: those that carry every tag that it was given."] # [derive (:: core :: fmt :: Debug , :: core :: clone :: Clone)] # [must_use = "a query selects nothing until it is asked"] pub struct CourseQuery (pub (super) :: std :: vec :: Vec < (& 'static :: core :: primitive :: str , :: std :: string :: String) > ,);
}
:: factos :: __private :: name_the_query_by_event_query ! {
    [pub] __CourseQuery_59434f63 CourseQuery CourseQuery
}
impl __CourseQuery_59434f63 :: CourseQuery {
    # [doc = "Narrows the query to events with the tag `course` of this value."] pub fn course (self , __local_value : :: factos :: ArgOf < '_ , CourseId >) -> Self { Self (:: factos :: __private :: tagged (self . 0 , "course" , | __local_f | < < CourseId as :: factos :: TagValue > :: Item as :: factos :: TagItem > :: with_arg (__local_value , __local_f))) } # [doc = "Narrows the query to events with the tag `seats` of this value."] pub fn seats (self , __local_value : & u32) -> Self { Self (:: factos :: __private :: tagged (self . 0 , "seats" , | __local_f | :: factos :: __private :: each_displayed :: < u32 > (__local_value , __local_f))) } # [doc = "Narrows the query to events of these kinds, under all of their names. A kind that never carries"] # [doc = "the tags of the query makes it invalid."] pub fn only (self , kinds : impl :: core :: iter :: IntoIterator < Item = __CourseKind_59434f63 :: CourseKind > ,) -> :: factos :: QueryFor < Course > {
        :: factos :: QueryFor :: only (:: core :: convert :: From :: from (self) , kinds)
    }
    # [doc = "The same tags, of events of any type: see `QueryFor::any_type`."] pub fn any_type (self) -> :: factos :: QueryFor < Course > {
        :: factos :: QueryFor :: any_type (:: factos :: __private :: query_of :: < Course > (& self . 0 , "Course"))
    }
    # [doc = "The same query, for an event type that includes [`Course`]."] pub fn widen < __W : :: factos :: Includes < Course >> (self) -> :: factos :: QueryFor < __W > {
        :: factos :: QueryFor :: widen (:: factos :: __private :: query_of :: < Course > (& self . 0 , "Course"))
    }
}
:: factos :: __private :: rename_the_other_method_query ! {
    [pub] Course,
    # [doc = "Every [`Course`] event, to be narrowed by tags."],
    __CourseQuery_59434f63 :: CourseQuery
}
# [automatically_derived] impl :: factos :: __private :: Converts < __CourseQuery_59434f63 :: CourseQuery,
:: factos :: QueryFor < Course >> for :: factos :: __private :: Conversion {
    fn convert (query : __CourseQuery_59434f63 :: CourseQuery) -> :: factos :: QueryFor < Course > {
        :: factos :: __private :: query_of :: < Course > (& query . 0 , "Course")
    }
}
# [automatically_derived] impl :: factos :: IntoQuery for __CourseQuery_59434f63 :: CourseQuery {
    fn into_query (self) -> :: core :: result :: Result < :: factos :: Query,
    :: factos :: InvalidQuery > {
        :: factos :: QueryFor :: into_query (:: factos :: __private :: query_of :: < Course > (& self . 0 , "Course"))
    }
}
# [automatically_derived] impl :: factos :: __private :: TypedQuery < Course > for __CourseQuery_59434f63 :: CourseQuery { } # [automatically_derived] impl < __Q > :: core :: ops :: BitOr < __Q > for __CourseQuery_59434f63 :: CourseQuery where __Q : :: factos :: __private :: TypedQuery < Course >,
 {
    type Output = :: factos :: QueryFor < Course >;
    fn bitor (self , other : __Q) -> :: factos :: QueryFor < Course > {
        :: core :: ops :: BitOr :: bitor (:: factos :: __private :: query_of :: < Course > (& self . 0 , "Course") , other)
    }
}
mod __CourseKind_59434f63 {
    # [doc = "Which variant of [`Course`](super::Course) an event is."] # [derive (:: core :: fmt :: Debug , :: core :: clone :: Clone , :: core :: marker :: Copy , :: core :: cmp :: PartialEq , :: core :: cmp :: Eq , :: core :: hash :: Hash ,)] pub enum CourseKind {
        # [doc = "That of [`Course::Defined`](super::Course::Defined)."] Defined,
        # [doc = "That of [`Course::Noted`](super::Course::Noted)."] Noted,
        # [doc = "That of [`Course::Billing`](super::Course::Billing)."] Billing,
        # [doc = "That of [`Course::Closed`](super::Course::Closed)."] Closed,
    }
}
:: factos :: __private :: name_the_kind_by_event_kind ! {
    [pub] __CourseKind_59434f63 CourseKind CourseKind
}
:: factos :: __private :: rename_the_other_method_kind ! {
    [pub] Course,
    # [doc = "Which variant of [`Course`] this event is."],
    __CourseKind_59434f63 :: CourseKind,
    Self :: Defined { .. } => __CourseKind_59434f63 :: CourseKind :: Defined,
    Self :: Noted { .. } => __CourseKind_59434f63 :: CourseKind :: Noted,
    Self :: Billing { .. } => __CourseKind_59434f63 :: CourseKind :: Billing,
    Self :: Closed { .. } => __CourseKind_59434f63 :: CourseKind :: Closed,
}
# [automatically_derived] impl :: factos :: Includes < Billing > for Course { } # [automatically_derived] impl :: core :: convert :: From < Billing > for Course {
    fn from (event : Billing) -> Self {
        Self :: Billing (event)
    }
}
# [automatically_derived] impl :: core :: convert :: TryFrom < Course > for Billing {
    type Error = Course;
    fn try_from (event : Course) -> :: core :: result :: Result < Self,
    Course > {
        match event {
            Course :: Billing (__local_inner) => :: core :: result :: Result :: Ok (__local_inner),
            __local_other => :: core :: result :: Result :: Err (__local_other),
        }
    }
}

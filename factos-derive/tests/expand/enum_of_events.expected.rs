const _ : () = {
    const __PARTS : & [& [:: factos :: TypeInfo]] = & [& [] , < FeePaid as :: factos :: Event > :: SCHEMA . types , < school :: Course as :: factos :: Event > :: SCHEMA . types];
    const __TYPES : & [:: factos :: TypeInfo] = & :: factos :: __private :: concat :: < {
        :: factos :: __private :: count (__PARTS)
    }
    ,
    _ > (__PARTS , :: factos :: TypeInfo :: new ("" , 0 , "") ,);
    const __KEY_PARTS : & [& [:: factos :: __private :: TagKey]] = & [& [] , :: factos :: Schema :: keys (< FeePaid as :: factos :: Event > :: SCHEMA) , :: factos :: Schema :: keys (< school :: Course as :: factos :: Event > :: SCHEMA)];
    const __KEYS : & [:: factos :: __private :: TagKey] = & :: factos :: __private :: concat :: < {
        :: factos :: __private :: count (__KEY_PARTS)
    }
    ,
    _ > (__KEY_PARTS , :: factos :: __private :: TagKey :: EMPTY ,);
    # [automatically_derived] impl :: factos :: Event for Subset {
        const SCHEMA : & 'static :: factos :: Schema = & :: factos :: Schema :: with_keys (:: factos :: Schema :: new (__TYPES) , __KEYS);
        fn event_type (& self) -> :: factos :: EventType {
            match self {
                Self :: Paid (__local_inner) => < FeePaid as :: factos :: Event > :: event_type (__local_inner),
                Self :: Course (__local_inner) => < school :: Course as :: factos :: Event > :: event_type (__local_inner),
            }
        }
        fn version (& self) -> :: core :: primitive :: u32 {
            match self {
                Self :: Paid (__local_inner) => < FeePaid as :: factos :: Event > :: version (__local_inner),
                Self :: Course (__local_inner) => < school :: Course as :: factos :: Event > :: version (__local_inner),
            }
        }
        fn tags (& self) -> :: core :: result :: Result < :: factos :: Tags,
        :: factos :: EncodeError > {
            match self {
                Self :: Paid (__local_inner) => < FeePaid as :: factos :: Event > :: tags (__local_inner),
                Self :: Course (__local_inner) => < school :: Course as :: factos :: Event > :: tags (__local_inner),
            }
        }
        fn encode (& self) -> :: core :: result :: Result < :: factos :: Bytes,
        :: factos :: EncodeError > {
            match self {
                Self :: Paid (__local_inner) => < FeePaid as :: factos :: Event > :: encode (__local_inner),
                Self :: Course (__local_inner) => < school :: Course as :: factos :: Event > :: encode (__local_inner),
            }
        }
        fn decode (__local_event_type : & :: factos :: EventType , __local_version : :: core :: primitive :: u32 , __local_payload : & [:: core :: primitive :: u8] ,) -> :: core :: result :: Result < Self,
        :: factos :: Undecodable > {
            match < FeePaid as :: factos :: Event > :: decode (__local_event_type , __local_version , __local_payload) {
                :: core :: result :: Result :: Ok (__local_inner) => {
                    :: core :: result :: Result :: Ok (Self :: Paid (__local_inner))
                }
                :: core :: result :: Result :: Err (:: factos :: Undecodable :: UnknownType) => match < school :: Course as :: factos :: Event > :: decode (__local_event_type , __local_version , __local_payload) {
                    :: core :: result :: Result :: Ok (__local_inner) => {
                        :: core :: result :: Result :: Ok (Self :: Course (__local_inner))
                    }
                    :: core :: result :: Result :: Err (:: factos :: Undecodable :: UnknownType) => :: core :: result :: Result :: Err (:: factos :: Undecodable :: UnknownType),
                    :: core :: result :: Result :: Err (__local_error) => :: core :: result :: Result :: Err (__local_error),
                }
                ,
                :: core :: result :: Result :: Err (__local_error) => :: core :: result :: Result :: Err (__local_error),
            }
        }
        fn codec (__local_event_type : & :: factos :: EventType) -> & 'static :: core :: primitive :: str {
            if :: factos :: __private :: knows (< FeePaid as :: factos :: Event > :: SCHEMA , __local_event_type) {
                return < FeePaid as :: factos :: Event > :: codec (__local_event_type);
            }
            if :: factos :: __private :: knows (< school :: Course as :: factos :: Event > :: SCHEMA , __local_event_type) {
                return < school :: Course as :: factos :: Event > :: codec (__local_event_type);
            }
            "json"
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
    # [automatically_derived] impl :: factos :: EventKind for __SubsetKind_4f384f8f :: Which {
        type Event = Subset;
        fn types (self) -> & 'static [:: factos :: TypeInfo] {
            match self {
                Self :: Paid => < FeePaid as :: factos :: Event > :: SCHEMA . types,
                Self :: Course => < school :: Course as :: factos :: Event > :: SCHEMA . types,
            }
        }
    }
}
;
mod __SubsetQuery_4f384f8f {
    # [doc = "A query of [`Subset`](super::Subset) events: those that carry every tag that it was given."] # [derive (:: core :: fmt :: Debug , :: core :: clone :: Clone)] # [must_use = "a query selects nothing until it is asked"] pub (super) struct Asking (pub (super) :: std :: vec :: Vec < (& 'static :: core :: primitive :: str , :: std :: string :: String) > ,);
}
:: factos :: __private :: name_the_query_by_event_query ! {
    [] __SubsetQuery_4f384f8f Asking Asking
}
impl __SubsetQuery_4f384f8f :: Asking {
    # [doc = "Narrows the query to events of these kinds, under all of their names. A kind that never carries"] # [doc = "the tags of the query makes it invalid."] fn only (self , kinds : impl :: core :: iter :: IntoIterator < Item = __SubsetKind_4f384f8f :: Which > ,) -> :: factos :: QueryFor < Subset > {
        :: factos :: QueryFor :: only (:: core :: convert :: From :: from (self) , kinds)
    }
    # [doc = "The same tags, of events of any type: see `QueryFor::any_type`."] fn any_type (self) -> :: factos :: QueryFor < Subset > {
        :: factos :: QueryFor :: any_type (:: factos :: __private :: query_of :: < Subset > (& self . 0 , "Subset"))
    }
    # [doc = "The same query, for an event type that includes [`Subset`]."] fn widen < __W : :: factos :: Includes < Subset >> (self) -> :: factos :: QueryFor < __W > {
        :: factos :: QueryFor :: widen (:: factos :: __private :: query_of :: < Subset > (& self . 0 , "Subset"))
    }
}
:: factos :: __private :: rename_the_other_method_query ! {
    [] Subset,
    # [doc = "Every [`Subset`] event, to be narrowed by tags."],
    __SubsetQuery_4f384f8f :: Asking
}
# [automatically_derived] impl :: factos :: __private :: Converts < __SubsetQuery_4f384f8f :: Asking,
:: factos :: QueryFor < Subset >> for :: factos :: __private :: Conversion {
    fn convert (query : __SubsetQuery_4f384f8f :: Asking) -> :: factos :: QueryFor < Subset > {
        :: factos :: __private :: query_of :: < Subset > (& query . 0 , "Subset")
    }
}
# [automatically_derived] impl :: factos :: IntoQuery for __SubsetQuery_4f384f8f :: Asking {
    fn into_query (self) -> :: core :: result :: Result < :: factos :: Query,
    :: factos :: InvalidQuery > {
        :: factos :: QueryFor :: into_query (:: factos :: __private :: query_of :: < Subset > (& self . 0 , "Subset"))
    }
}
# [automatically_derived] impl :: factos :: __private :: TypedQuery < Subset > for __SubsetQuery_4f384f8f :: Asking { } # [automatically_derived] impl < __Q > :: core :: ops :: BitOr < __Q > for __SubsetQuery_4f384f8f :: Asking where __Q : :: factos :: __private :: TypedQuery < Subset >,
 {
    type Output = :: factos :: QueryFor < Subset >;
    fn bitor (self , other : __Q) -> :: factos :: QueryFor < Subset > {
        :: core :: ops :: BitOr :: bitor (:: factos :: __private :: query_of :: < Subset > (& self . 0 , "Subset") , other)
    }
}
mod __SubsetKind_4f384f8f {
    # [doc = "Which variant of [`Subset`](super::Subset) an event is."] # [derive (:: core :: fmt :: Debug , :: core :: clone :: Clone , :: core :: marker :: Copy , :: core :: cmp :: PartialEq , :: core :: cmp :: Eq , :: core :: hash :: Hash ,)] pub (super) enum Which {
        # [doc = "That of [`Subset::Paid`](super::Subset::Paid)."] Paid,
        # [doc = "That of [`Subset::Course`](super::Subset::Course)."] Course,
    }
}
:: factos :: __private :: name_the_kind_by_event_kind ! {
    [] __SubsetKind_4f384f8f Which Which
}
:: factos :: __private :: rename_the_other_method_kind ! {
    [] Subset,
    # [doc = "Which variant of [`Subset`] this event is."],
    __SubsetKind_4f384f8f :: Which,
    Self :: Paid { .. } => __SubsetKind_4f384f8f :: Which :: Paid,
    Self :: Course { .. } => __SubsetKind_4f384f8f :: Which :: Course,
}
# [automatically_derived] impl :: factos :: Includes < FeePaid > for Subset { } # [automatically_derived] impl :: core :: convert :: From < FeePaid > for Subset {
    fn from (event : FeePaid) -> Self {
        Self :: Paid (event)
    }
}
# [automatically_derived] impl :: core :: convert :: TryFrom < Subset > for FeePaid {
    type Error = Subset;
    fn try_from (event : Subset) -> :: core :: result :: Result < Self,
    Subset > {
        match event {
            Subset :: Paid (__local_inner) => :: core :: result :: Result :: Ok (__local_inner),
            __local_other => :: core :: result :: Result :: Err (__local_other),
        }
    }
}
# [automatically_derived] impl :: factos :: Includes < school :: Course > for Subset { } # [automatically_derived] impl :: core :: convert :: From < school :: Course > for Subset {
    fn from (event : school :: Course) -> Self {
        Self :: Course (event)
    }
}
# [automatically_derived] impl :: core :: convert :: TryFrom < Subset > for school :: Course {
    type Error = Subset;
    fn try_from (event : Subset) -> :: core :: result :: Result < Self,
    Subset > {
        match event {
            Subset :: Course (__local_inner) => :: core :: result :: Result :: Ok (__local_inner),
            __local_other => :: core :: result :: Result :: Err (__local_other),
        }
    }
}
